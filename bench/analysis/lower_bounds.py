"""What a cell whose load was too small (FLOOR) leaves open: a fuller load could move its figures one way only. Pure."""

RISING = frozenset({"throughput_rps", "requests", "failures", "failure_ratio"})
"""Measured is the least that these can be; CPU time and memory are what they are, whatever the load."""
FALLING = frozenset({"success_ratio", "batch_s"})
"""Measured is the most that these can be, and that all latencies can be."""


def is_bound(metric: str) -> bool:
    """Whether a fuller load could move it."""
    return metric in RISING or _falls(metric)


def open_ends(metric: str, *, candidate: bool, baseline: bool = False) -> tuple[bool, bool]:
    """Whether the lower and the upper end of an interval are open, of a cell's figure or of candidate / baseline.

    `candidate` and `baseline` say which of them is a FLOOR.
    """
    rises, falls = metric in RISING, _falls(metric)
    return (candidate and falls) or (baseline and rises), (candidate and rises) or (baseline and falls)


def _falls(metric: str) -> bool:
    return metric in FALLING or metric.startswith("latency_")
