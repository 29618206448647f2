"""A stored run whose files somebody cut off, overwrote or made hostile."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bench import leftovers, locust_counts, results, stored
from bench.errors import ResultsError
from bench.html import writing

CELL = "rounds/01/asyncpg_async-users_10"
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[: len(whole) // 2],
    "no text": lambda _: b'\xff\xfe{]"\n,,',
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", [f"{CELL}/window.json", f"{CELL}/samples.parquet"])
def test_what_is_damaged_is_named_and_the_rest_is_reported(
    tmp_path: Path, made_up_run: Path, name: str, how: str
) -> None:
    """The page names the file and calls the run partial; the other cells are all there."""
    run = tmp_path / "damaged"
    shutil.copytree(made_up_run, run)
    (run / name).write_bytes(DAMAGE[how]((run / name).read_bytes()))
    found = stored.outcome(run, what_there_is=True)
    [problem] = found.unreadable
    assert Path(name).name in problem
    assert str(tmp_path) not in problem
    verdicts = {one.cell.slug: one.verdict.ranks for one in found.ordered()}
    assert (len(verdicts), verdicts["asyncpg_async-users_10"]) == (4, False)
    page = writing.write(run).read_text()
    assert "partial" in page
    assert Path(name).name in page


@pytest.mark.parametrize("name", ["plan.json", "parity.csv"])
def test_what_nothing_can_be_read_without_is_named(tmp_path: Path, made_up_run: Path, name: str) -> None:
    """One message with the file, not a traceback."""
    run = tmp_path / "damaged"
    shutil.copytree(made_up_run, run)
    (run / name).write_bytes(DAMAGE["no text"](b""))
    with pytest.raises(ResultsError, match=name.replace(".", r"\.")):
        writing.write(run)


def test_a_count_of_locusts_that_differs_is_said(tmp_path: Path) -> None:
    """With both numbers; the same count, or a file that cannot be read, is no remark."""
    path = tmp_path / "locust.json"
    path.write_text(json.dumps([{"num_requests": 30}, {"num_requests": 6}]))
    assert locust_counts.difference(path, 36) == ""
    assert "counted 36 requests, and there are 48 samples" in locust_counts.difference(path, 48)
    path.write_text("[{")
    assert locust_counts.difference(path, 48) == ""


def test_a_symbolic_link_is_no_run(tmp_path: Path, made_up_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to be read by name, nor to be written through."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    (tmp_path / "linked").symlink_to(made_up_run)
    with pytest.raises(ResultsError, match="linked is a symbolic link"):
        results.find("linked")
    assert results.finished() == []
    target = tmp_path / "target"
    (tmp_path / ".x.csv.new").symlink_to(target)
    results.write_whole(tmp_path / "x.csv", "text")
    assert (tmp_path / "x.csv").read_text() == "text"
    assert not target.exists()


def test_a_killed_run_is_closed_but_for_one_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reserved is given back, and what it had said of its duration no longer stands."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    killed, resumed = results.Run(tmp_path / "killed"), results.Run(tmp_path / "resumed")
    for run in (killed, resumed):
        run.folder.mkdir()
        run.status("running")
        run.reserve()
        run.write_json("duration.json", {"total_s": 1.0})
    leftovers.close_runs(Console(quiet=True), going_on=resumed)
    states = [(results.json_object(run.folder / "status.json") or {})["state"] for run in (killed, resumed)]
    assert states == ["interrupted", "running"]
    assert [path.name for path in killed.folder.iterdir()] == ["status.json"]
    assert (resumed.folder / "duration.json").exists()
