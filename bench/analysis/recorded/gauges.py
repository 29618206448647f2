"""What a service said of itself while it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.recorded.windows import Window


@dataclass(frozen=True)
class Gauge:
    """What a service said of itself at one moment (ns): shares of its pool and of its threads that were in use.

    `gc_full` and `gc_s` are how many full garbage collections it had had since its start and how many seconds of CPU
    time all collections had taken, of all workers together; `gc_longest_s` is the longest of the seconds before. None
    in old runs, which did not count them.
    """

    at_ns: int
    pool: float | None
    threads: float | None
    gc_full: float | None = None
    gc_s: float | None = None
    gc_longest_s: float | None = None


@dataclass(frozen=True)
class Collected:
    """Garbage collections in a window: full ones per second, of all workers; a worker's share of time; the longest."""

    full_per_s: float
    share: float
    longest_s: float


def collected(gauges: Sequence[Gauge], window: Window, workers: int) -> Collected | None:
    """Between the first and the last gauge of the window: they come about once a second, and late from a busy service.

    None with fewer than two, and where a counter went back, because another process had taken over.
    """
    known = [
        (one.at_ns, one.gc_full, one.gc_s, one.gc_longest_s)
        for one in gauges
        if window.start_ns <= one.at_ns <= window.end_ns
        and one.gc_full is not None
        and one.gc_s is not None
        and one.gc_longest_s is not None
    ]
    if len(known) < 2:
        return None
    (began_ns, full, used_s, _), (ended_ns, full_later, used_later_s, _) = known[0], known[-1]
    length_s = (ended_ns - began_ns) / 1e9
    if length_s <= 0 or full_later < full or used_later_s < used_s:
        return None
    return Collected(
        full_per_s=(full_later - full) / length_s,
        share=(used_later_s - used_s) / length_s / workers,
        longest_s=max(longest_s for *_, longest_s in known),
    )


def over(windows: Sequence[tuple[float, Collected | None]]) -> Collected | None:
    """Over several windows, each with its length (s): of those in which it is known."""
    known = [(length_s, one) for length_s, one in windows if one is not None]
    if not known:
        return None
    total_s = sum(length_s for length_s, _ in known)
    return Collected(
        full_per_s=sum(length_s * one.full_per_s for length_s, one in known) / total_s,
        share=sum(length_s * one.share for length_s, one in known) / total_s,
        longest_s=max(one.longest_s for _, one in known),
    )
