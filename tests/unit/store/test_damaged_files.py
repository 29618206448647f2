"""A stored run whose files somebody cut off, overwrote or made hostile."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from bench.analysis import analysis, evidence
from bench.measure.fleet import orphans
from bench.report.html import writing
from bench.store import files, locust_counts, runs, stored
from suite.errors import ResultsError

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[: len(whole) // 2],
    "no text": lambda _: b'\xff\xfe{]"\n,,',
}


THE_RUNS = ["environment.json", "status.json", "parity.csv", "ceilings.csv", "plan.toml"]
# A file of another cell each.
OF_CELLS = {"users_1": "window.json", "users_10": "samples.parquet", "users_100": "pg_activity.csv"}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_is_damaged_is_named_and_the_rest_is_reported(tmp_path: Path, made_up_run: Path, how: str) -> None:
    """The page names every file and calls the run partial; cells whose samples can be read are ranked."""
    run = tmp_path / "damaged"
    shutil.copytree(made_up_run, run)
    (run / "ceilings.csv").write_text("service,pgbench_connections,pgbench_rps\nasyncpg_async-users_10,10,1000\n")
    (run / "plan.toml").write_text('[matrix]\nscenarios = ["point_read"]\nservices = ["asyncpg_async"]\n')
    of_cells = [f"rounds/01/asyncpg_async-{cell}/{name}" for cell, name in OF_CELLS.items()]
    for name in (*THE_RUNS, *of_cells):
        (run / name).write_bytes(DAMAGE[how]((run / name).read_bytes()))
    found = stored.outcome(run, what_there_is=True)
    written = writing.write(run, analysis.of(found))
    page, named = written.path.read_text(), " ".join(written.missing)
    assert [name for name in (*THE_RUNS, *OF_CELLS.values()) if name not in named] == []
    assert str(tmp_path) not in named
    assert "partial" in page
    assert [name for name in (*THE_RUNS, *OF_CELLS.values()) if name not in page] == []
    ranked = {one.cell.users for one in found.ordered() if one.verdict.ranks}
    assert (len(found.results), ranked) == (4, {100, 1000})


@pytest.mark.parametrize("how", DAMAGE)
def test_without_its_plan_nothing_can_be_read(tmp_path: Path, made_up_run: Path, how: str) -> None:
    """One message with the file, not a traceback."""
    run = tmp_path / "damaged"
    shutil.copytree(made_up_run, run)
    (run / "plan.json").write_bytes(DAMAGE[how]((run / "plan.json").read_bytes()))
    with pytest.raises(ResultsError, match=r"plan\.json"):
        writing.write(run)


@pytest.mark.parametrize("name", ["environment.json", "status.json", "plan.json", "summary.csv"])
@pytest.mark.parametrize("text", ['{"machine": [1], "services": {"x": 1}, "resumed": [5], "cells": 3}', "\udcff,,\n,"])
def test_one_damaged_run_leaves_the_others_in_the_index(
    tmp_path: Path, made_up_run: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a row of its own there, with what can be read."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    for run in ("damaged", "whole"):
        shutil.copytree(made_up_run, tmp_path / run)
    (tmp_path / "damaged" / name).write_bytes(text.encode(errors="surrogateescape"))
    page = writing.write_index().read_text()
    assert ">damaged<" in page
    assert ">whole<" in page


def test_a_count_of_locusts_that_differs_is_said(tmp_path: Path) -> None:
    """With both numbers; the same count, or a file that cannot be read, is no remark."""
    path = tmp_path / "locust.json"
    path.write_text(json.dumps([{"num_requests": 30}, {"num_requests": 6}]))
    count = locust_counts.counted(path)
    assert evidence.miscounted(count, 36) == ""
    assert "counted 36 requests, and there are 48 samples" in evidence.miscounted(count, 48)
    path.write_text("[{")
    assert locust_counts.counted(path) is None
    assert evidence.miscounted(None, 48) == ""


def test_a_symbolic_link_is_no_run(tmp_path: Path, made_up_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to be read by name, nor to be written through."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    (tmp_path / "linked").symlink_to(made_up_run)
    with pytest.raises(ResultsError, match="linked is a symbolic link"):
        runs.find("linked")
    assert runs.finished() == []
    target = tmp_path / "target"
    (tmp_path / ".x.csv.new").symlink_to(target)
    files.write_whole(tmp_path / "x.csv", "text")
    assert (tmp_path / "x.csv").read_text() == "text"
    assert not target.exists()


def measured(run: runs.Run) -> None:
    """One cell came to no window."""
    place = run.folder / "rounds" / "01" / "asyncpg_async"
    place.mkdir(parents=True)
    (place / "problem.txt").write_text("no window\n")


def test_a_killed_run_that_measured_nothing_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is free; one that has as much as a part of a sample, or of which that is unsure, stays."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    names = ("nothing", "logs", "began", "sample", "unsure", "pgbench", "failed")
    for name in names:
        run = runs.Run(tmp_path / name)
        run.folder.mkdir()
        run.status("failed" if name == "failed" else "running")
        (run.folder / "verification").mkdir()
        place = run.folder / "rounds" / "01" / "asyncpg_async"
        place.mkdir(parents=True)
        (place / "service.log").write_text("a line")
        (place / "samples.bin").write_bytes(b"x" if name == "sample" else b"")
    pl.DataFrame({"ok": []}).write_parquet(tmp_path / "began/rounds/01/asyncpg_async/samples.parquet")
    (tmp_path / "unsure/rounds/01/asyncpg_async/samples.parquet").write_text("cut off")
    (tmp_path / "pgbench/pgbench/00").mkdir(parents=True)
    (tmp_path / "pgbench/pgbench/00/pgbench.txt").write_text("tps = 5")
    with (tmp_path / "said").open("w") as file:
        orphans.close_runs(Console(file=file, width=200))
    kept = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert kept == {"sample", "unsure", "pgbench", "failed"}
    said = (tmp_path / "said").read_text()
    assert "nothing had been killed before it measured anything; its folder was deleted" in said
    assert "sample had been killed; what it measured is kept" in said


def test_a_killed_run_is_closed_but_for_one_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reserved is given back, and what it had said of its duration no longer stands."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    killed, resumed = runs.Run(tmp_path / "killed"), runs.Run(tmp_path / "resumed")
    for run in (killed, resumed):
        run.folder.mkdir()
        measured(run)
        run.status("running")
        run.reserve()
        run.write_json("duration.json", {"total_s": 1.0})
    orphans.close_runs(Console(quiet=True), going_on=resumed)
    states = [(files.json_object(run.folder / "status.json") or {})["state"] for run in (killed, resumed)]
    assert states == ["interrupted", "running"]
    assert sorted(path.name for path in killed.folder.iterdir()) == ["rounds", "status.json"]
    assert (resumed.folder / "duration.json").exists()
