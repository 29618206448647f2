"""How a run ends that could not start, and how one that has measured something."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis.outcome import Outcome
from bench.measure import preflight, runner
from bench.measure.fleet import orphans
from bench.measure.job import Job, RunRequest
from bench.plan import file
from bench.store import runs
from bench.store.runs import Run
from suite.errors import BenchError, DatabaseError, ServiceError, StoppedError, TerminatedError, VerificationError

NAME = "mine"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """results/ with an earlier run as the latest; nothing is started."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(orphans, "end", lambda _: None)
    monkeypatch.setattr(preflight, "check", lambda *_: None)
    (tmp_path / "results" / "before").mkdir(parents=True)
    Run(tmp_path / "results" / "before").make_latest()
    return tmp_path / "results"


def run(monkeypatch: pytest.MonkeyPatch, measure: Callable[[Run], None]) -> tuple[BaseException | None, str]:
    """What a run raises, and what it prints, whose measuring is this."""

    def measured(_job: Job, folder: Run, _outcome: Outcome, _console: Console) -> None:
        measure(folder)

    monkeypatch.setattr(runner, "measure", measured)
    path = file.find("smoke")
    printed = StringIO()
    try:
        runner.run(RunRequest(file.read(path), path, NAME, None), Console(file=printed, width=120))
    except BaseException as error:  # noqa: BLE001  # which is what is looked at
        return error, printed.getvalue()
    return None, printed.getvalue()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatabaseError("no database"), 1),
        (ServiceError("could not start psycopg2_sync"), 1),
        (VerificationError("verification failed"), 3),
        (StoppedError("the disk is full"), 1),
        (KeyboardInterrupt(), None),
        (TerminatedError(), None),
        (ZeroDivisionError(), None),
    ],
)
def test_a_start_that_fails_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int | None
) -> None:
    """No folder, no name, no advice to resume; the latest run stays the latest. The exit code says what it was."""

    def fails(made: Run) -> None:
        (made.folder / "verification").mkdir()
        (made.folder / "verification" / "psycopg2_sync.log").write_text("its last words")
        (made.folder / "rounds" / "01" / "asyncpg_async").mkdir(parents=True)
        (made.folder / "rounds" / "01" / "asyncpg_async" / "service.log").write_text("its last words")
        raise error

    for _ in range(2):  # the name is free again
        raised, printed = run(monkeypatch, fails)
        assert raised is error
        assert code is None or (isinstance(raised, BenchError) and raised.exit_code == code)
        assert "nothing was measured, and no folder was left in results/" in printed
        assert "--resume" not in printed
        there = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        assert there == ["before", "latest.csv", "latest.html"]
        assert (folder / "latest.csv").readlink() == Path("before/summary.csv")


@pytest.mark.parametrize(
    ("error", "state"),
    [(DatabaseError("gone"), "failed"), (StoppedError("full"), "partial"), (KeyboardInterrupt(), "interrupted")],
)
def test_what_was_measured_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, state: str
) -> None:
    """Be it only what a cell that was cut off had sent: the run stands as it ended, and can be resumed."""

    def fails(made: Run) -> None:
        place = made.folder / "rounds" / "01" / "asyncpg_async"
        place.mkdir(parents=True)
        (place / "samples.bin").write_bytes(b"a part of it")
        raise error

    raised, printed = run(monkeypatch, fails)
    assert raised is error
    assert f"bench run --resume {NAME}" in printed
    status: dict[str, Any] = json.loads((folder / NAME / "status.json").read_text())
    assert status["state"] == state
    assert (folder / NAME / "rounds/01/asyncpg_async/samples.bin").exists()
    assert (folder / "latest.csv").readlink() == Path("before/summary.csv")
