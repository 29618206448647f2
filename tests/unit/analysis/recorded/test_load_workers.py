"""What marks say of the processes that a load was spread over."""

import json
import re
from pathlib import Path

import pytest

from bench.analysis.recorded import load_workers
from bench.analysis.recorded.load_workers import LoadWorker
from bench.analysis.recorded.windows import Mark, Window
from bench.measure import load, preflight
from bench.plan.matrix import cells
from bench.plan.model import Load, Matrix, Plan, Thresholds
from bench.store import samples
from suite.errors import PreflightError

S = 1_000_000_000
WINDOW = Window(10 * S, 20 * S, 20)
SPAWNED = Mark("spawned", 9 * S, 20, workers={"a-0": {"users": 11, "clock_lag_ns": 0}, "b-1": {"users": 9}})
BEGINNING = (Mark("joined", S, 0, worker="a-0"), Mark("joined", S, 0, worker="b-1"), SPAWNED)
LIMITS = Thresholds()


def test_users_cpu_time_and_clock_of_each_worker() -> None:
    """Users as all had been started; CPU time on a line between readings, in any order; the clock as last reported."""
    marks = (
        *BEGINNING,
        *(Mark("used", at * S, 20, worker="a-0", cpu_s=at * 0.5) for at in (21, 8, 15)),
        Mark("used", 9 * S, 20, worker="b-1", cpu_s=1.0),
        Mark("stopping", 20 * S, 20, workers={"b-1": {"users": 9, "clock_lag_ns": 300_000_000}}),
    )
    assert load_workers.of_marks(marks, WINDOW) == (
        LoadWorker("a-0", 11, cpu_share=0.5),
        LoadWorker("b-1", 9, cpu_share=None, clock_off_s=0.3),
    )


def test_who_was_lost_and_who_came_late() -> None:
    """Seconds from the window's start; one that joined before the users had all started is not late."""
    marks = (*BEGINNING, Mark("lost", 13 * S, 20, worker="a-0"), Mark("joined", 12 * S, 20, worker="c-2"))
    found = {one.name: one for one in load_workers.of_marks(marks, WINDOW)}
    assert (found["a-0"].lost_s, found["b-1"].lost_s) == (3.0, None)
    assert (found["b-1"].joined_s, found["c-2"].joined_s, found["c-2"].users) == (None, 2.0, 0)


def test_a_load_of_one_process_has_no_workers() -> None:
    """Its marks name none."""
    assert load_workers.of_marks((Mark("spawned", 9 * S, 20), Mark("stopping", 20 * S, 20)), WINDOW) == ()


def test_joined_workers_are_counted_while_the_stream_grows(tmp_path: Path) -> None:
    """Without a file, with half a line, and after one has gone again."""
    stream = tmp_path / "samples.bin"
    assert samples.joined(stream) == 0
    lines = [json.dumps({"event": event, "records": 0}) for event in ("joined", "joined", "used", "lost", "joined")]
    for whole, expected in enumerate((0, 1, 2, 2, 1)):
        stream.write_text("".join(f"{line}\n" for line in lines[:whole]) + lines[whole][:9])
        assert samples.joined(stream) == expected


@pytest.mark.parametrize(
    ("values", "distributed"),
    [({}, False), ({"workers": 1}, False), ({"workers": 3}, True), ({"expect_workers": 1}, True)],
)
def test_a_load_of_several_processes_has_a_master(values: dict[str, int], *, distributed: bool) -> None:
    """It listens on this machine alone, unless another address is asked for."""
    matrix = Matrix(scenarios=["point_read"], services=["asyncpg_async"])
    plan = Plan(matrix=matrix, load=Load.model_validate(values))
    [cell] = cells(plan)
    command = load.command(cell, plan.load, load.LoadTarget("http://127.0.0.1:1", 1000, 0, ()), Path("x"))
    assert ("--master" in command, "127.0.0.1" in command) == (distributed, distributed)


@pytest.mark.parametrize(
    ("address", "server", "words"),
    [
        ("192.0.2.7", "gunicorn", "cannot listen on '192.0.2.7'"),  # an address for documents, which no machine has
        ("nowhere.invalid", "gunicorn", "cannot listen on 'nowhere.invalid'"),
        ("*", "gunicorn", "not an address that other machines can use"),
        ("127.0.0.1", "uvicorn", "--bind-host needs --server gunicorn"),
    ],
)
def test_an_address_that_nobody_could_reach_is_refused(address: str, server: str, words: str) -> None:
    """Before anything listens anywhere."""
    matrix = Matrix(scenarios=["point_read"], services=["asyncpg_async"], server=[server])
    with pytest.raises(PreflightError, match=re.escape(words)):
        preflight.check_bind_host(address, cells(Plan(matrix=matrix)))


def test_workers_share_the_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a machine allows too few for all users in one process, two of half as many fit."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    with pytest.raises(PreflightError, match="need 1200 open files in a process"):
        preflight.check_open_files(1000)
    preflight.check_open_files(500)
