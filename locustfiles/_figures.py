"""Reads a service's /metrics, and computes its CPU time between two readings."""

from collections.abc import Mapping
from typing import NamedTuple

from suite import prometheus

# The ends of the metrics' names. The part before the end is a prefix that may change.
ENDINGS = {
    "cpu_s": "cpu_seconds_total",
    "memory_bytes": "resident_memory_bytes",
    "threads": "threads",
    "threads_busy": "threads_busy",
    "pool": "pool_connections",
    "pool_idle": "pool_connections_idle",
}


class ServiceFigures(NamedTuple):
    """One answer of /metrics. Missing metrics are None. CPU time counts from the start of the process."""

    cpu_s: float | None = None
    memory_bytes: float | None = None
    threads: float | None = None
    threads_busy: float | None = None
    pool: float | None = None
    pool_idle: float | None = None


def parse(text: str) -> ServiceFigures:
    """Parse an answer in Prometheus' text format. Raises ValueError for any other format."""
    found = prometheus.totals(text)
    return ServiceFigures(**{figure: _ending(found, ending) for figure, ending in ENDINGS.items()})


def _ending(totals: Mapping[str, float], ending: str) -> float | None:
    """The metric with the shortest name among those with this ending."""
    names = [name for name in totals if name == ending or name.endswith(f"_{ending}")]
    return totals[min(names, key=len)] if names else None


def cpu_share(before: ServiceFigures, after: ServiceFigures, seconds: float) -> float | None:
    """CPU time per second between two answers (1: one busy CPU). None if it is unknown."""
    if before.cpu_s is None or after.cpu_s is None or seconds <= 0 or after.cpu_s < before.cpu_s:
        return None  # the counter started again: it is another process
    return (after.cpu_s - before.cpu_s) / seconds
