"""What a service's /metrics says of it, and its CPU time between two looks."""

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

# By the end of a metric's name: what stands before it says whose it is, and may change.
ENDINGS = {
    "cpu_s": "cpu_seconds_total",
    "memory_bytes": "resident_memory_bytes",
    "threads": "threads",
    "threads_busy": "threads_busy",
    "pool": "pool_connections",
    "pool_idle": "pool_connections_idle",
}


class Figures(NamedTuple):
    """One answer of /metrics; None for what it does not say. CPU time is counted from the process's start."""

    cpu_s: float | None = None
    memory_bytes: float | None = None
    threads: float | None = None
    threads_busy: float | None = None
    pool: float | None = None
    pool_idle: float | None = None


def parse(text: str) -> Figures:
    """Read the Prometheus text format, samples of one name (one a worker process) summed. Raises ValueError."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return Figures(**{figure: _ending(sums, ending) for figure, ending in ENDINGS.items()})


def _ending(sums: Mapping[str, float], ending: str) -> float | None:
    """The shortest name with this ending."""
    names = [name for name in sums if name == ending or name.endswith(f"_{ending}")]
    return sums[min(names, key=len)] if names else None


def cpu_share(before: Figures, after: Figures, seconds: float) -> float | None:
    """CPU time per second between two answers: 1 is one CPU, busy; None where that cannot be known."""
    if before.cpu_s is None or after.cpu_s is None or seconds <= 0 or after.cpu_s < before.cpu_s:
        return None  # it counts anew: another process than before
    return (after.cpu_s - before.cpu_s) / seconds
