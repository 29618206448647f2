"""Rules: nothing else used the machine, and the service's processes stayed the same."""

from collections.abc import Iterator
from typing import Protocol

from bench.analysis.recorded import foreign
from bench.analysis.recorded.foreign import CpuGroup
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.roles import DATABASE
from bench.plan.model import Thresholds
from bench.plan.placement import Placement

POSTGRES = "postgres (pid "
OF_THE_RUN = (
    "postgres may be this run's own database: in a container, its processes cannot be told from others'; let it run"
    " outside of one, or leave --database-url out"
)


class Watched(Protocol):
    """A stretch of time in which the machine was watched, a measurement or one slice; the fields are as in Evidence."""

    @property
    def machine(self) -> Machine | None:
        """What processes and CPUs did; None where it could not be seen."""

    @property
    def unwatched(self) -> int | None:
        """How many readings there were, where these were too few."""

    @property
    def placement(self) -> Placement:
        """Which CPUs are whose."""

    @property
    def length_s(self) -> float:
        """How long it is."""


def unwatched(seen: Watched, _: Thresholds) -> str:
    """The harness did not run often enough to see the machine."""
    if seen.unwatched is None:
        return ""
    lie = f"{seen.unwatched} {'lies' if seen.unwatched == 1 else 'lie'} in it"
    return f"the readings of the machine do not cover the window ({lie}): the use of its CPUs is unknown"


def changed(seen: Watched, _: Thresholds) -> str:
    """A process of the service died or was restarted."""
    return "; ".join(seen.machine.changed) if seen.machine else ""


def clock_jumped(seen: Watched, limits: Thresholds) -> str:
    """The clock was set."""
    if seen.machine is None or seen.machine.clock_jump_s <= limits.clock_jump_s:
        return ""
    return f"the clock jumped by {seen.machine.clock_jump_s:.2f} s"


def suspended(seen: Watched, limits: Thresholds) -> str:
    """The machine slept."""
    if seen.machine is None or seen.machine.suspended_s <= limits.clock_jump_s:
        return ""
    return f"the machine was suspended for {seen.machine.suspended_s:.2f} s"


def stolen(seen: Watched, limits: Thresholds) -> str:
    """The hypervisor gave one of our CPUs to others."""
    if seen.machine is None:
        return ""
    if not seen.machine.groups and seen.machine.steal > limits.steal:
        return f"the hypervisor took {seen.machine.steal:.1%} of our CPUs away, more than {limits.steal:.0%}"
    found = [group for group in seen.machine.groups if group.stolen > limits.steal]
    return "; ".join(
        f"the hypervisor took {group.stolen:.1%} of a CPU away ({group}), more than {limits.steal:.0%}"
        for group in found
    )


def strangers(seen: Watched, limits: Thresholds) -> str:
    """Something else ran on the service's CPUs, or too much on those of the load and the database."""
    if seen.machine is None:
        return ""
    machine, said = seen.machine, list[str]()
    groups = machine.groups or (CpuGroup((), (), machine.strangers, 0.0, machine.strangers_named),)
    for group in groups:
        if group.is_disturbed(limits):
            named = f": {group.named}" if group.named else ""
            used = f"other processes used {group.foreign:.1%} of {group.judged}"
            said.append(f"{used}, more than {group.most(limits):.0%}{named}")
            if DATABASE not in machine.cpu_s and POSTGRES in group.named:
                said.append(OF_THE_RUN)
    return "; ".join(said)


def throttled(seen: Watched, _: Thresholds) -> str:
    """A CPU limit of the container held everything up."""
    if seen.machine is None or not seen.machine.throttled_s:
        return ""
    return f"our control group was throttled for {seen.machine.throttled_s:.2f} s by its CPU limit"


def unchecked(seen: Watched) -> Iterator[str]:
    """What these rules could not see of a measurement; nothing of one that came to no window."""
    if seen.machine is None:
        if seen.unwatched is None and seen.length_s:
            yield "processes, CPUs, clocks and CPU limits, which this system does not show"
        return
    if why := foreign.together(seen.placement, seen.machine.cpu_s):
        yield f"other processes on each CPU: they are judged over all CPUs together, because {why}"
    elif not seen.machine.groups:
        yield "other processes on each CPU: this run was recorded by a version that did not look at each"
    if seen.machine.strangers is None:
        yield "other processes, which this system does not show"
    if seen.machine.throttled_s is None:
        yield "CPU limits: our control group cannot be read"
    elif seen.machine.enclosed:
        yield "CPU limits of the control groups around this container, which cannot be seen from inside"


RULES = (unwatched, changed, clock_jumped, suspended, stolen, strangers, throttled)
OUTSIDE = (unwatched, clock_jumped, suspended, stolen, strangers, throttled)
