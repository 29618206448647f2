"""Which processes run on which CPUs: the measured service apart from the load and from the database."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.plan.note import Kind, Note

ROLES = ("service", "load", "database")
LOADING = "database while it loads"
REMEDY = (
    "allow it to measure with separate CPUs (as root, or as PostgreSQL's own user); in a container: docker run"
    " --cap-add SYS_NICE"
)


@dataclass(frozen=True)
class Placement:
    """CPU numbers for each role; empty where processes are not placed.

    `unplaced` names those whose processes may run elsewhere, since the system did not allow to keep them there.
    """

    service: tuple[int, ...] = ()
    load: tuple[int, ...] = ()
    database: tuple[int, ...] = ()
    unplaced: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.service:
            return "not placed"
        roles = {"service": self.service, "load": self.load, "database": self.database}
        return ", ".join(f"{role} on CPU {_listed(cpus)}" for role, cpus in roles.items())

    def as_dict(self) -> dict[str, Any]:
        """For environment.json."""
        roles = {role: getattr(self, role) for role in ROLES}
        return roles | ({"unplaced": self.unplaced} if self.unplaced else {})


def allowed_cpus() -> tuple[int, ...]:
    """The CPUs that this process may use; empty where the system does not say (macOS)."""
    return tuple(sorted(os.sched_getaffinity(0))) if sys.platform == "linux" else ()


def available_cpus() -> tuple[int, ...]:
    """The CPUs that processes can be placed on; empty where the system cannot (macOS), or does not allow it."""
    if sys.platform != "linux":
        return ()
    try:
        os.sched_setaffinity(0, os.sched_getaffinity(0))  # changes nothing, and is refused as any other
    except OSError:
        return ()
    return allowed_cpus()


def as_it_is(planned: Placement, *, database_placed: bool, database_movable: bool) -> Placement:
    """The placement of a run, with what the system did not allow."""
    if not planned.service:
        return replace(planned, unplaced=ROLES if allowed_cpus() and not available_cpus() else ())
    if not database_placed:
        return replace(planned, unplaced=("database",))
    return planned if database_movable else replace(planned, unplaced=(LOADING,))


def notes(placed: Placement) -> Iterator[Note]:
    """What to say of processes that could not be placed, with the remedy."""
    if "service" in placed.unplaced:
        text = "no process may be placed on a CPU: services, load and database share all of them"
    elif "database" in placed.unplaced:
        text = f"PostgreSQL may not be placed on CPU {_listed(placed.database)}: it runs beside the service"
    elif LOADING in placed.unplaced:
        text = f"PostgreSQL may not be moved from CPU {_listed(placed.database)}, so loading takes longer"
    else:
        return
    yield Note("", Kind.PLACEMENT, f"{text}; {REMEDY}")


def _listed(cpus: Sequence[int]) -> str:
    return "+".join(map(str, cpus))


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
