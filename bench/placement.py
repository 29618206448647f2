"""Which processes run on which CPUs: the measured service apart from the load and from the database."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """CPU numbers for each role; empty where processes are not placed."""

    service: tuple[int, ...] = ()
    load: tuple[int, ...] = ()
    database: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.service:
            return "not placed"
        roles = {"service": self.service, "load": self.load, "database": self.database}
        return ", ".join(f"{role} on CPU {'+'.join(map(str, cpus))}" for role, cpus in roles.items())


def available_cpus() -> tuple[int, ...]:
    """The CPUs that this process may use; empty where the system cannot place processes (macOS)."""
    return tuple(sorted(os.sched_getaffinity(0))) if sys.platform == "linux" else ()


def place(cpus: Sequence[int], workers: int, load_workers: int = 1) -> Placement:
    """Share out CPUs: one for each worker of the service as far as possible, the others for load and database.

    Of those, each process of the load gets one, as long as one is left for the database.

    The service gets the highest numbers, since interrupts tend to land on CPU 0. With two CPUs, load and database
    share one; with one, nothing is placed.
    """
    if len(cpus) < 2:
        return Placement()
    count = max(1, min(workers, len(cpus) - 2))
    service, others = tuple(cpus[-count:]), tuple(cpus[:-count])
    if len(others) == 1:
        return Placement(service, others, others)
    loaded = max(1, min(load_workers, len(others) - 1))
    return Placement(service, load=others[:loaded], database=others[loaded:])
