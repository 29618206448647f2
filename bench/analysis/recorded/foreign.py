"""What else ran on the CPUs of the service, of the load and of the database, in a window. Pure."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.recorded.readings import Reading
from bench.analysis.recorded.roles import DATABASE, EXTERNAL, HARNESS, IDLE, LOAD, RELAY, SERVICE, STRANGERS
from bench.plan.model import Thresholds
from bench.plan.placement import Placement

NAMED_FROM_S = 0.01  # the kernel counts in hundredths of a second
MOST_NAMED = 5
HYPERVISOR = "the hypervisor"
WHO = {HARNESS: "the harness", IDLE: "services that wait for their turn"}


@dataclass(frozen=True)
class CpuGroup:
    """CPUs that some roles share, and what else took them. `roles` is empty where all roles share all CPUs.

    `foreign` is the time that was lost to others, stolen time included, as a share of the group's CPU time or, where
    that is larger, of the `worst` CPU's: 0 to 1, None where it is not known. `stolen` is the largest stolen share of a
    CPU. `named` says who was seen, with seconds.
    """

    roles: tuple[str, ...]
    cpus: tuple[int, ...]
    foreign: float | None
    stolen: float
    named: str = ""
    worst: int | None = None

    @property
    def is_services(self) -> bool:
        """Whether the measured service runs here."""
        return not self.roles or SERVICE in self.roles

    def most(self, limits: Thresholds) -> float:
        """The share that others may take. A plan that allows more on the service's CPUs allows as much elsewhere."""
        return limits.strangers if self.is_services else max(limits.strangers, limits.strangers_elsewhere)

    def is_disturbed(self, limits: Thresholds) -> bool:
        """Whether others took more than that, as far as it is known."""
        return self.foreign is not None and self.foreign > self.most(limits)

    def __str__(self) -> str:
        return self._at(self.cpus)

    @property
    def judged(self) -> str:
        """The CPUs of which `foreign` is a share, in words."""
        return self._at(self.cpus if self.worst is None else (self.worst,))

    def _at(self, cpus: Iterable[int]) -> str:
        if not self.roles:
            return "our CPUs"
        who = " and ".join(f"the {role}" for role in self.roles)
        return f"CPU {'+'.join(map(str, cpus))}, where {who} run{'s' if len(self.roles) == 1 else ''}"


@dataclass(frozen=True)
class RoleCpus:
    """CPUs to be judged together: `ours` are the roles whose work belongs there, `others` those that are foreign there.

    `each`: every CPU is judged by what was seen on it, too, because what runs there has no other one to move to.
    """

    roles: tuple[str, ...]
    cpus: tuple[int, ...]
    ours: tuple[str, ...]
    others: tuple[str, ...]
    each: bool


def together(placed: Placement, known: Iterable[str]) -> str:
    """Why all CPUs are judged as one group; empty where those of each role are. `known` are the roles that were seen.

    A role that runs on any CPU cannot be subtracted from what a single one did.
    """
    if not placed.service:
        return "no process has a CPU of its own"
    if "database" in placed.unplaced:
        return "PostgreSQL runs on all CPUs"
    if SERVICE not in known:
        return "a target runs where it likes"
    return "" if DATABASE in known else "PostgreSQL's own processes are not known"


def shares(placed: Placement, known: Iterable[str], all_cpus: Iterable[int]) -> list[RoleCpus]:
    """The groups of CPUs. On the service's own, everything else is foreign; the harness keeps to the others."""
    known = tuple(known)
    if together(placed, known):
        cpus = tuple(sorted({*placed.service, *placed.load, *placed.database})) or tuple(sorted(all_cpus))
        return [RoleCpus((), cpus, tuple(role for role in known if role != IDLE), (STRANGERS, IDLE), each=False)]
    found = [RoleCpus((SERVICE,), placed.service, (SERVICE,), (STRANGERS, IDLE, HARNESS), each=True)]
    loading, storing = (LOAD, EXTERNAL, HARNESS), (DATABASE, RELAY, HARNESS)
    if set(placed.load) & set(placed.database):
        cpus = tuple(sorted({*placed.load, *placed.database}))
        found.append(RoleCpus((LOAD, DATABASE), cpus, (*loading, *storing[:2]), (STRANGERS, IDLE), each=True))
        return found
    found.append(RoleCpus((LOAD,), placed.load, loading, (STRANGERS, IDLE), each=True))
    # PostgreSQL's processes move to whichever of their CPUs is free.
    found.append(RoleCpus((DATABASE,), placed.database, storing, (STRANGERS, IDLE), each=False))
    return found


def within(least_s: float, seen_s: float, most_s: float) -> float:
    """As much as was seen, but not less than `least_s` and not more than `most_s`; never negative."""
    return max(0.0, min(max(least_s, seen_s), most_s))


def of(share: RoleCpus, grew: Mapping[str, float], inside: Sequence[Reading], length_s: float) -> CpuGroup:
    """What took these CPUs in a window: `grew` is how much each figure of the readings grew in it (s)."""
    stolen_s = {number: grew.get(f"steal {number}", 0.0) for number in share.cpus}
    group = CpuGroup(share.roles, share.cpus, None, min(max(stolen_s.values()) / length_s, 1.0))
    if STRANGERS not in grew:
        return group
    seen_s = {number: _sum(grew, (f"{who} on {number}" for who in share.others)) for number in share.cpus}
    in_sight_s = math.fsum(seen_s.values()) if share.roles else grew[STRANGERS] + grew.get(f"cpu {IDLE}", 0.0)
    worked_s = _of_cpus(grew, "working", share.cpus)
    ours_s = _sum(grew, (f"cpu {role}" for role in share.ours))
    least_s = worked_s - ours_s - _of_cpus(grew, "kernel", share.cpus)
    # Both may have been charged to whom they interrupted.
    most_s = least_s + _of_cpus(grew, "interrupts", share.cpus) + math.fsum(stolen_s.values())
    others_s = within(least_s, in_sight_s, most_s)
    lost_s: dict[int | None, float] = {None: (others_s + math.fsum(stolen_s.values())) / len(share.cpus)}
    if share.each:
        lost_s |= {number: min(seen_s[number], others_s) + stolen_s[number] for number in share.cpus}
    worst = max(lost_s, key=lambda number: lost_s[number])  # of equals the first: all of them
    named = _named(share, grew, inside, others_s, math.fsum(stolen_s.values()))
    return replace(group, foreign=min(lost_s[worst] / length_s, 1.0), named=named, worst=worst)


def _named(
    share: RoleCpus, grew: Mapping[str, float], inside: Sequence[Reading], others_s: float, stolen_s: float
) -> str:
    """The two that were seen to use most there, with their seconds, or that most of it was not seen."""
    said = busiest(_ours_s(share, grew) | strangers_s(inside, share.cpus), others_s)
    return ", ".join(filter(None, (said, f"{HYPERVISOR} {stolen_s:.2f} s" if stolen_s >= NAMED_FROM_S else "")))


def _ours_s(share: RoleCpus, grew: Mapping[str, float]) -> dict[str, float]:
    """What processes of ours used on these CPUs, where they are foreign (s)."""
    return {WHO[who]: _sum(grew, (f"{who} on {cpu}" for cpu in share.cpus)) for who in share.others if who in WHO}


def others_s(
    groups: Sequence[RoleCpus], grew: Mapping[str, float], inside: Sequence[Reading], most: int = MOST_NAMED
) -> dict[str, float]:
    """The busiest of those that were foreign on their CPUs, with their seconds, the hypervisor included."""
    cpus = [number for share in groups for number in share.cpus]
    used = strangers_s(inside, cpus) | {HYPERVISOR: _of_cpus(grew, "steal", cpus)}
    for share in groups:
        for name, used_s in _ours_s(share, grew).items():
            used[name] = used.get(name, 0.0) + used_s
    order = sorted(used, key=lambda name: used[name], reverse=True)
    return {name: used[name] for name in order[:most] if used[name] >= NAMED_FROM_S}


def strangers_s(inside: Sequence[Reading], cpus: Collection[int] = ()) -> dict[str, float]:
    """What each stranger was seen to use between these readings (s), on these CPUs; on all of them where none is given.

    Older recordings do not have where one ran: it counts for any CPU.
    """
    used: dict[str, float] = {}
    for reading in inside[1:]:
        for name, cpu_s in reading.strangers.items():
            if not cpus or name not in reading.ran_on or reading.ran_on[name] in cpus:
                used[name] = used.get(name, 0.0) + cpu_s
    return used


def busiest(used_s: Mapping[str, float], all_s: float) -> str:
    """The two names with the most seconds, and what remains unseen of `all_s` if that is most of it."""
    order = sorted(used_s, key=lambda name: used_s[name], reverse=True)
    named = [f"{name} {used_s[name]:.2f} s" for name in order[:2] if used_s[name] >= NAMED_FROM_S]
    unseen_s = all_s - math.fsum(used_s.values())
    if unseen_s > max(all_s / 2, NAMED_FROM_S):
        named.append(f"processes that ended at once or cannot be seen {unseen_s:.2f} s")
    return ", ".join(named)


def _sum(grew: Mapping[str, float], names: Iterable[str]) -> float:
    return math.fsum(grew.get(name, 0.0) for name in names)


def _of_cpus(grew: Mapping[str, float], what: str, cpus: Iterable[int]) -> float:
    return _sum(grew, (f"{what} {number}" for number in cpus))
