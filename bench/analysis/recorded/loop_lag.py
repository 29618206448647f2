"""How late a service's event loop ran a timer, and what that says of a window."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.recorded.turns import ActiveClock, Times, Turn
from bench.analysis.recorded.windows import Window

FEWEST = 100
"""With fewer moments in a window, none lies beyond their p99."""


@dataclass(frozen=True)
class LoopLag:
    """What one process noted of its event loop, whose timer was due every `every_ns`.

    Each time that it ran, `due_ns` has the first moment at which it was due, and `late_ns` how late it was then. Where
    that is `every_ns` or more, it was due several times, and ran once for all of them. The last one may not have run
    by the end: then its lag is the least that it can be.
    """

    process: int
    every_ns: int
    due_ns: tuple[int, ...]
    late_ns: tuple[int, ...]


@dataclass(frozen=True)
class Lag:
    """Of all moments in a window at which a timer was due: how late (ms) it ran. `p99_ms` is None of too few.

    `blocked` is the share of them that had to wait for the next one or longer: the loop did not turn meanwhile.
    """

    mean_ms: float
    p99_ms: float | None
    max_ms: float
    blocked: float = 0.0


def of(lags: Sequence[LoopLag], window: Window, turns: Sequence[Turn] = ()) -> Lag | None:
    """Over all processes. What was due in the window counts, whenever it ran. None where nothing was.

    `turns` are those of a cell whose window is on their active clock. While a service is frozen, nothing is due.
    """
    each = [_late_ns(*_moments(one), window, turns) for one in lags if one.due_ns]
    late_ms = np.sort(np.concatenate(each)) / 1e6 if each else np.array([])
    if not len(late_ms):
        return None
    p99_ms = float(late_ms[math.ceil(0.99 * len(late_ms)) - 1]) if len(late_ms) >= FEWEST else None
    blocked = float((late_ms >= min(one.every_ns for one in lags) / 1e6).mean())
    return Lag(float(late_ms.mean()), p99_ms, float(late_ms[-1]), blocked)


def over(windows: Sequence[tuple[float, Lag | None]]) -> Lag | None:
    """Over several windows, each with its length (s): of those in which it is known. The p99 is their median."""
    known = [(length_s, one) for length_s, one in windows if one is not None]
    if not known:
        return None
    p99s_ms = [one.p99_ms for _, one in known if one.p99_ms is not None]
    return Lag(
        mean_ms=sum(length_s * one.mean_ms for length_s, one in known) / sum(length_s for length_s, _ in known),
        p99_ms=statistics.median(p99s_ms) if p99s_ms else None,
        max_ms=max(one.max_ms for _, one in known),
        blocked=sum(length_s * one.blocked for length_s, one in known) / sum(length_s for length_s, _ in known),
    )


def _moments(one: LoopLag) -> tuple[Times, Times]:
    """All moments at which the timer was due, and when it ran for each."""
    due_ns, late_ns = np.array(one.due_ns, dtype=np.int64), np.array(one.late_ns, dtype=np.int64)
    times = late_ns // one.every_ns + 1
    nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(due_ns, times) + nth * one.every_ns, np.repeat(due_ns + late_ns, times)


def _late_ns(due_ns: Times, ran_ns: Times, window: Window, turns: Sequence[Turn]) -> Times:
    if turns:
        awake = _within(due_ns, [(one.start_ns, one.end_ns) for one in turns])
        clock = ActiveClock(turns)
        due_ns, ran_ns = clock.of(due_ns[awake]), clock.of(ran_ns[awake])
    inside = _within(due_ns, window.spans)
    return np.asarray(ran_ns[inside] - due_ns[inside], dtype=np.int64)


def _within(times_ns: Times, spans: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Whether each time lies in one of these spans, which are in order: at a start, not at an end."""
    edges = np.array([edge for span in spans for edge in span], dtype=np.int64)
    return np.asarray(np.searchsorted(edges, times_ns, side="right") % 2 == 1)
