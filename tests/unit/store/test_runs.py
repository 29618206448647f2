"""The run's folder: names, whole files, safe CSV, one run at a time."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.store import files, runs, space
from suite import csv_writing
from suite.errors import ResultsError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results/ of the test's own."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_a_run_is_named_by_time_and_plan_or_by_its_name_alone() -> None:
    """And a name is not used twice."""
    assert runs.create(None, "default", NOW).run_id == "20260102T030405Z-default"
    assert runs.create("mine", "default", NOW).run_id == "mine"
    with pytest.raises(ResultsError, match="results/mine already exists"):
        runs.create("mine", "default", NOW)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a" * 65, "latest", "a b", "é"])
def test_a_name_stays_below_results(name: str) -> None:
    """Whatever could lead elsewhere, or hide, is refused by name."""
    with pytest.raises(ResultsError, match="cannot name a run"):
        runs.create(name, "default", NOW)


def test_latest_is_the_newest_finished_run(own_results: Path) -> None:
    """Links to its page and summary are replaced, not doubled; one to the folder would count twice."""
    own_results.mkdir(exist_ok=True)
    (own_results / "latest").symlink_to("one")  # of an earlier version
    for name in ("one", "two"):
        runs.create(name, "default", NOW).make_latest()
    assert (own_results / "latest.html").readlink() == Path("two/report.html")
    assert sorted(path.name for path in own_results.iterdir()) == ["latest.csv", "latest.html", "one", "two"]
    assert runs.latest() is None  # nothing was written yet
    (own_results / "two" / "summary.csv").write_text("")
    assert runs.find("latest") == own_results / "two"
    assert list(own_results.glob("*/summary.csv")) == [own_results / "two" / "summary.csv"]


def test_a_second_run_is_refused_and_told_about_the_first() -> None:
    """One run at a time on a checkout; the lock ends with its holder."""
    first = runs.lock()
    with pytest.raises(ResultsError, match=f"pid {os.getpid()}"):
        runs.lock()
    first.close()
    runs.lock().close()


def test_csv_text_leaves_unknown_empty_and_disarms_formulas() -> None:
    """None is an empty cell, not a zero; text that a spreadsheet would run is neutralised; numbers stay numbers."""
    rows: list[dict[str, object]] = [
        {"a": None, "b": 0.0, "c": "=1+1", "d": -3.5},
        {"a": 1234567.25, "b": 1 / 3, "c": "@x", "d": "a,b"},
    ]
    assert csv_writing.csv_text(("a", "b", "c", "d"), rows) == (
        "a,b,c,d\n,0.0,'=1+1,-3.5\n1234567.2,0.333333,'@x,\"a,b\"\n"
    )


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """No part of a file is ever in its place, and nothing stays beside it."""
    files.write_whole(tmp_path / "x.csv", "old\n")
    files.write_whole(tmp_path / "x.csv", "new\n")
    assert (tmp_path / "x.csv").read_text() == "new\n"
    assert [path.name for path in tmp_path.glob("*x.csv*")] == ["x.csv"]


def test_too_little_space_is_said_with_both_numbers(own_results: Path) -> None:
    """Before the start, not in the middle."""
    own_results.mkdir()
    space.check_space(1.0)
    with pytest.raises(ResultsError, match=r"MB free, and this run may need 1000000000000 MB"):
        space.check_space(1e12)


def test_a_run_is_found_by_name_or_path_and_missing_ones_are_named(own_results: Path) -> None:
    """The message lists the newest runs there are."""
    run = runs.create("mine", "default", NOW)
    run.write("summary.csv", "x\n")
    assert runs.find("mine") == own_results / "mine" == runs.find(str(own_results / "mine"))
    with pytest.raises(ResultsError, match=r"no run 'yours'.*mine"):
        runs.find("yours")
