"""The event loop's lag in a window: every moment at which a timer was due."""

from collections.abc import Sequence

import pytest

from bench.analysis.recorded.loop_lag import Lag, LoopLag, of, over
from bench.analysis.recorded.turns import Turn
from bench.analysis.recorded.windows import Window

MS, EVERY_MS, START_NS = 1_000_000, 10, 5_000_000_000_000
WINDOW = Window(START_NS, START_NS + 10_000 * MS, 1)


def noted(*lines: tuple[float, float]) -> LoopLag:
    """Of when it was due (ms after the window's start) and how late it was (ms)."""
    due_ns = tuple(START_NS + round(due_ms * MS) for due_ms, _ in lines)
    return LoopLag(7, EVERY_MS * MS, due_ns, tuple(round(late_ms * MS) for _, late_ms in lines))


def every(began_ms: int, ended_ms: int, late_ms: float = 0.0) -> Sequence[tuple[float, float]]:
    return [(at_ms, late_ms) for at_ms in range(began_ms, ended_ms, EVERY_MS)]


def test_a_stall_counts_with_every_moment_that_waited_in_it() -> None:
    """Two of ten seconds: 200 moments waited for 2,000 ms, 1,990 ms and so on. The timer itself was late once."""
    found = of([noted(*every(0, 4000), (4000, 2000.0), *every(6010, 10_000))], WINDOW)
    assert found is not None
    assert (found.p99_ms, found.max_ms) == pytest.approx((1900.0, 2000.0))
    assert found.mean_ms == pytest.approx(sum(range(0, 2010, 10)) / 1000)
    assert found.blocked == 200 / 1000  # the last of those that wait runs at once


def test_what_was_due_in_the_window_counts_whenever_it_ran() -> None:
    """A stall that goes on beyond the window's end; what was due before the window does not count, wherever it ran."""
    found = of([noted((-20, 25.0), *every(10, 9990), (9990, 3000.0))], WINDOW)
    assert found is not None
    assert (found.max_ms, found.p99_ms) == (3000.0, 0.0)
    assert found.mean_ms == pytest.approx((3000.0 + 5.0) / 1000)


def test_processes_count_alike() -> None:
    """One of two is late all the time."""
    found = of([noted(*every(0, 10_000)), noted(*every(0, 10_000, 4.0))], WINDOW)
    assert found == Lag(2.0, 4.0, 4.0, 0.0)


def test_too_few_have_no_p99_and_none_no_lag() -> None:
    """A hundred are the fewest of which one lies beyond."""
    few, enough = (of([noted(*every(0, end_ms, 1.0))], WINDOW) for end_ms in (990, 1000))
    assert few is not None
    assert enough is not None
    assert (few.p99_ms, few.max_ms, enough.p99_ms) == (None, 1.0, 1.0)
    assert of([noted(*every(20_000, 30_000))], WINDOW) is None
    assert (of([noted()], WINDOW), of([], WINDOW)) == (None, None)


def test_nothing_is_due_while_a_service_is_frozen() -> None:
    """Two turns of 50 ms with 200 ms between them. What waited at the freeze waits on after it, without that time."""
    turns = [Turn(START_NS, START_NS + 50 * MS), Turn(START_NS + 250 * MS, START_NS + 300 * MS)]
    frozen_ns, end_ns = START_NS + 50 * MS, START_NS + 100 * MS  # on the active clock
    window = Window(START_NS, end_ns, 1, slices=((START_NS, frozen_ns), (frozen_ns, end_ns)))
    lines = [*every(5, 45, 1.0), (45, 207.0), *every(255, 295, 1.0)]
    found = of([noted(*lines)], window, turns)
    assert found is not None
    assert (found.max_ms, found.mean_ms) == pytest.approx((7.0, (8 * 1.0 + 7.0) / 9))


def test_over_several_windows() -> None:
    """The mean is weighted by length, the p99 is their median, the longest is that of all."""
    windows = [(10.0, Lag(1.0, 5.0, 20.0)), (30.0, Lag(3.0, 9.0, 10.0)), (10.0, None), (0.5, Lag(1.0, None, 30.0))]
    found = over(windows)
    assert found is not None
    assert (found.p99_ms, found.max_ms, found.blocked) == (7.0, 30.0, 0.0)
    assert found.mean_ms == pytest.approx((10.0 + 90.0 + 0.5) / 40.5)
    assert over([(10.0, None)]) is None
