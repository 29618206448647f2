"""What a service's /metrics says of it, and its CPU time between two looks."""

from collections.abc import Mapping
from typing import NamedTuple

from suite import prometheus

# By the end of a metric's name: what stands before it says whose it is, and may change.
ENDINGS = {
    "cpu_s": "cpu_seconds_total",
    "memory_bytes": "resident_memory_bytes",
    "threads": "threads",
    "threads_busy": "threads_busy",
    "pool": "pool_connections",
    "pool_idle": "pool_connections_idle",
}


class ServiceFigures(NamedTuple):
    """One answer of /metrics; None for what it does not say. CPU time is counted from the process's start."""

    cpu_s: float | None = None
    memory_bytes: float | None = None
    threads: float | None = None
    threads_busy: float | None = None
    pool: float | None = None
    pool_idle: float | None = None


def parse(text: str) -> ServiceFigures:
    """Read an answer in Prometheus' text format. Raises ValueError for any other."""
    found = prometheus.totals(text)
    return ServiceFigures(**{figure: _ending(found, ending) for figure, ending in ENDINGS.items()})


def _ending(totals: Mapping[str, float], ending: str) -> float | None:
    """The metric with the shortest name of this ending."""
    names = [name for name in totals if name == ending or name.endswith(f"_{ending}")]
    return totals[min(names, key=len)] if names else None


def cpu_share(before: ServiceFigures, after: ServiceFigures, seconds: float) -> float | None:
    """CPU time per second between two answers: 1 is one CPU, busy; None where that cannot be known."""
    if before.cpu_s is None or after.cpu_s is None or seconds <= 0 or after.cpu_s < before.cpu_s:
        return None  # it counts anew: another process than before
    return (after.cpu_s - before.cpu_s) / seconds
