"""Rules: nothing else used the machine, and the service's processes stayed the same."""

from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds


def unwatched(seen: Evidence, _: Thresholds) -> str:
    """The harness did not run often enough to see the machine."""
    if seen.unwatched is None:
        return ""
    lie = f"{seen.unwatched} {'lies' if seen.unwatched == 1 else 'lie'} in it"
    return f"the readings of the machine do not cover the window ({lie}): the use of its CPUs is unknown"


def changed(seen: Evidence, _: Thresholds) -> str:
    """A process of the service died or was restarted."""
    return "; ".join(seen.machine.changed) if seen.machine else ""


def clock_jumped(seen: Evidence, limits: Thresholds) -> str:
    """The clock was set."""
    if seen.machine is None or seen.machine.clock_jump_s <= limits.clock_jump_s:
        return ""
    return f"the clock jumped by {seen.machine.clock_jump_s:.2f} s"


def suspended(seen: Evidence, limits: Thresholds) -> str:
    """The machine slept."""
    if seen.machine is None or seen.machine.suspended_s <= limits.clock_jump_s:
        return ""
    return f"the machine was suspended for {seen.machine.suspended_s:.2f} s"


def stolen(seen: Evidence, limits: Thresholds) -> str:
    """The hypervisor gave our CPUs to others."""
    if seen.machine is None or seen.machine.steal <= limits.steal:
        return ""
    return f"the hypervisor took {seen.machine.steal:.1%} of our CPUs away, more than {limits.steal:.0%}"


def strangers(seen: Evidence, limits: Thresholds) -> str:
    """Processes that are not ours ran on our CPUs."""
    if seen.machine is None or seen.machine.strangers is None or seen.machine.strangers <= limits.strangers:
        return ""
    named = f": {seen.machine.strangers_named}" if seen.machine.strangers_named else ""
    return f"other processes used {seen.machine.strangers:.1%} of our CPUs, more than {limits.strangers:.0%}{named}"


def throttled(seen: Evidence, _: Thresholds) -> str:
    """A CPU limit of the container held everything up."""
    if seen.machine is None or not seen.machine.throttled_s:
        return ""
    return f"our control group was throttled for {seen.machine.throttled_s:.2f} s by its CPU limit"


RULES = (unwatched, changed, clock_jumped, suspended, stolen, strangers, throttled)
