"""The event loop's lag, sampled in a process: on both loops, idle and blocked."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import uvloop
from prometheus_client import Counter, Gauge

from services import metrics
from services.collection import COLLECTIONS
from services.loop_lag import EVERY_NS, LoopTimer
from services.settings import Settings

RUNNERS: dict[str, Callable[[Coroutine[Any, Any, None]], None]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}
on_both_loops = pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
MS = 1_000_000


def written(path: Path) -> list[tuple[int, int, int]]:
    """Process, due time and lag (ns) of each line."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return [(int(process), int(due_ns), int(late_ns)) for process, due_ns, late_ns in lines]


def grid(lines: list[tuple[int, int, int]]) -> list[int]:
    """Every moment at which the timer was due, from all lines."""
    return [due_ns + nth * EVERY_NS for _, due_ns, late_ns in lines for nth in range(late_ns // EVERY_NS + 1)]


@on_both_loops
def test_an_idle_loop_is_hardly_late(run: Callable[[Coroutine[Any, Any, None]], None], tmp_path: Path) -> None:
    """Below 3 ms, mostly; another process may have the CPU now and then. There is a line every 10 ms."""

    async def idle() -> None:
        LoopTimer(tmp_path / "lag")
        await asyncio.sleep(0.5)

    run(idle())
    lines = written(tmp_path / "lag")
    assert {process for process, *_ in lines} == {os.getpid()}
    assert 40 <= len(grid(lines)) <= 50
    assert median(late_ns for *_, late_ns in lines) < 3 * MS


@on_both_loops
def test_a_blocked_loop_is_late_and_hides_nothing(
    run: Callable[[Coroutine[Any, Any, None]], None], tmp_path: Path
) -> None:
    """50 ms: the first moment in it waited that long less 10 ms at most, and all that were due are in one line."""
    blocked: list[int] = []

    async def block() -> None:
        LoopTimer(tmp_path / "lag")
        await asyncio.sleep(0.1)
        blocked.append(time.perf_counter_ns())
        time.sleep(0.05)  # it is what is tested
        blocked.append(time.perf_counter_ns())
        await asyncio.sleep(0.1)

    run(block())
    lines = written(tmp_path / "lag")
    [began_ns, ended_ns] = blocked
    [late] = [one for one in lines if one[1] + one[2] >= ended_ns > one[1]]
    assert late[2] >= ended_ns - began_ns - 2 * EVERY_NS  # a busy machine may be late before, too
    moments = grid(lines)
    assert {after - before for before, after in pairwise(moments)} == {EVERY_NS}
    assert abs(sum(began_ns <= due_ns < ended_ns for due_ns in moments) - (ended_ns - began_ns) / EVERY_NS) <= 1


def test_a_service_notes_it_only_where_it_is_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LOOP_LAG_FILE, from when the application has started."""
    monkeypatch.setattr(COLLECTIONS, "begin", lambda **_: None)
    started: list[Path] = []
    monkeypatch.setattr("services.loop_lag.LoopTimer", started.append)
    monkeypatch.setattr(metrics, "_gauge", lambda name, *_: Gauge(name, name, registry=None))
    monkeypatch.setattr(metrics, "_counter", lambda name, *_: Counter(name, name, registry=None))

    async def watch(**variables: str) -> None:
        metrics.watch(Settings.from_environment({"DATABASE_URL": "", **variables}))

    asyncio.run(watch())
    assert started == []
    asyncio.run(watch(LOOP_LAG_FILE=str(tmp_path / "lag")))
    assert started == [tmp_path / "lag"]
