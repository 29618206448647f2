"""What a service said of itself while it was measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gauge:
    """What a service said of itself at one moment (ns): shares of its pool and of its threads that were in use."""

    at_ns: int
    pool: float | None
    threads: float | None
