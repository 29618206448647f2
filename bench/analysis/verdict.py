"""Whether a cell's numbers may be believed. Each rule is a function of one measurement's evidence: a reason or nothing.

Formulas, thresholds and their sources are in docs/methodology.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.roles import TARGET
from bench.plan.model import Thresholds
from bench.plan.note import Kind, Note


class Judgement(StrEnum):
    """The name of a verdict."""

    VALID = "VALID"
    FLOOR = "FLOOR"
    """A lower bound: the load was the limit."""
    INVALID = "INVALID"
    """Not to be ranked."""


@dataclass(frozen=True)
class Verdict:
    """A judgement, and its reasons. Of a cell, each is about one round."""

    name: Judgement
    reasons: tuple[Note, ...] = ()

    @property
    def ranks(self) -> bool:
        """Whether the cell may be compared with others."""
        return self.name is not Judgement.INVALID

    @property
    def is_bound(self) -> bool:
        """Whether figures that a fuller load could move are only bounds."""
        return self.name is Judgement.FLOOR


def no_window(seen: Evidence, _: Thresholds) -> str:
    """The load or the service ended before the window did."""
    return seen.problem


def empty(seen: Evidence, _: Thresholds) -> str:
    """Nothing was answered in the window."""
    return "" if seen.requests or seen.problem else "no request ended in the window"


def failed(seen: Evidence, limits: Thresholds) -> str:
    """Too many requests failed: failing fast is no speed."""
    if limits.expect_failures or not seen.requests or seen.failures <= limits.failures * seen.requests:
        return ""
    share = f"{seen.failures / seen.requests:.2%}, more than {limits.failures:.1%}"
    return f"{seen.failures} of {seen.requests} requests failed ({share})"


def missing_users(seen: Evidence, _: Thresholds) -> str:
    """The load was smaller than asked."""
    return f"{seen.users} of {seen.users_asked} users were running" if seen.users < seen.users_asked else ""


def lost_workers(seen: Evidence, _: Thresholds) -> str:
    """A process of the load ended or was not heard of any more, and its last samples with it."""
    all_ = seen.load_workers
    lost = [f"{one.name}, last heard of {_in_window(one.lost_s)}" for one in all_ if one.lost_s is not None]
    return f"{len(lost)} of {len(all_)} load workers lost: {'; '.join(lost)}" if lost else ""


def late_workers(seen: Evidence, _: Thresholds) -> str:
    """A process more than the load began with: its users are spread once more."""
    late = [f"{one.name} joined {_in_window(one.joined_s)}" for one in seen.load_workers if one.joined_s is not None]
    return f"load workers came late: {'; '.join(late)}" if late else ""


def clocks_apart(seen: Evidence, limits: Thresholds) -> str:
    """Samples of another machine are on its clock, brought to ours by the time of day."""
    off = [one for one in seen.load_workers if abs(one.clock_off_s) > limits.clock_jump_s]
    return "; ".join(f"the clock of load worker {one.name} is {one.clock_off_s:+.2f} s behind ours" for one in off)


def _in_window(at_s: float) -> str:
    return f"{at_s:.1f} s into the window" if at_s >= 0 else f"{-at_s:.1f} s before the window"


def unaccounted(seen: Evidence, limits: Thresholds) -> str:
    """Requests do not account for the users' time: the load waited for itself, or samples are missing."""
    if seen.accounted is None or abs(seen.accounted - 1) <= limits.accounting:
        return ""
    return f"requests account for {seen.accounted:.1%} of the users' time, not for 100% within {limits.accounting:.0%}"


def missed_rate(seen: Evidence, limits: Thresholds) -> str:
    """Arrivals that were due were not sent, and the service could have answered more."""
    if seen.offered_rps is None or not seen.length_s or bound.of_measurement(seen, limits).by in bound.OF_THE_SERVICE:
        return ""
    if seen.foreign and seen.machine and not bound.load_is_full(seen, seen.machine, limits):
        return ""  # the load had time left: it was the target that did not keep up
    due = seen.offered_rps * seen.length_s
    if abs(seen.requests - due) <= bound.off_by(due, seen, limits):
        return ""
    share = f"{seen.requests / due:.1%}; {seen.missed:,} found no free user"
    return f"{seen.requests:,} requests were sent of the {due:,.0f} due ({share})"


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


def drifted(seen: Evidence, limits: Thresholds) -> str:
    """Throughput rose or fell over the window by more than chance."""
    if seen.drift is None or abs(seen.drift.share) <= limits.drift or seen.drift.p >= limits.drift_p:
        return ""
    return f"throughput drifted by {seen.drift.share:+.1%} within the window (p = {seen.drift.p:.4f})"


INVALIDATING: tuple[Callable[[Evidence, Thresholds], str], ...] = (
    no_window, empty, failed, missing_users, lost_workers, late_workers, clocks_apart, unaccounted, missed_rate,
    unwatched, changed, clock_jumped, suspended, stolen, strangers, throttled, drifted,
)  # fmt: skip


# What came from outside: the same measurement may well succeed when it is made again.
DISTURBING = (
    no_window, missing_users, lost_workers, late_workers, unwatched, changed, clock_jumped, suspended, stolen,
    strangers, throttled, drifted,
)  # fmt: skip


def disturbance(seen: Evidence, limits: Thresholds) -> str:
    """Why a measurement should be made once more; empty where it need not."""
    return "; ".join(reason for rule in DISTURBING if (reason := rule(seen, limits)))


def remade(why: str) -> Note:
    """Of a measurement that replaces a disturbed one. `why` is the disturbance."""
    return Note("", Kind.REMADE, f"measured again after: {why}")


def floor(seen: Evidence, limits: Thresholds) -> str:
    """The load's CPUs were full and the service's were not: the service could have done more.

    A target whose processes cannot be seen may have been full, too.
    """
    if seen.machine is None or not seen.placement.load:
        return ""
    busy = seen.machine.cpu_busy
    if full := bound.full_worker(seen, limits):
        most = max(busy[number] for number in seen.placement.service)
        return "" if most > limits.busy else f"{full} and the service's CPU was {most:.0%} busy: a lower bound"
    load = [busy[number] for number in seen.placement.load]
    service = [busy[number] for number in seen.placement.service]
    unseen = seen.foreign and TARGET not in seen.machine.cpu_s
    if min(load) <= limits.busy or (max(service) > limits.busy and not unseen):
        return ""
    by = ", ".join(f"{role} {used / seen.length_s:.0%}" for role, used in seen.machine.cpu_s.items() if used > 0.01)
    other = "what the target used is not known" if unseen else f"the service's {max(service):.0%}"
    return f"the load's CPU was {min(load):.0%} busy and {other}: a lower bound (in CPUs: {by})"


def of_measurement(seen: Evidence, limits: Thresholds) -> Verdict:
    """The verdict on one measurement."""
    found = ((rule.__name__, rule(seen, limits)) for rule in INVALIDATING)
    if reasons := tuple(Note("", Kind.INVALID, why, name) for name, why in found if why):
        return Verdict(Judgement.INVALID, reasons)
    why = floor(seen, limits)
    return Verdict(Judgement.FLOOR, (Note("", Kind.FLOOR, why, floor.__name__),)) if why else Verdict(Judgement.VALID)


def of_cell(measurements: Sequence[Evidence], limits: Thresholds) -> Verdict:
    """The verdict on a cell is the worst of its measurements'; reasons say which ones."""
    each = [of_measurement(one, limits) for one in measurements]
    for name in (Judgement.INVALID, Judgement.FLOOR):
        found = [(number, one) for number, one in enumerate(each, 1) if one.name == name]
        if found:
            reasons = tuple(replace(reason, about=f"round {number}") for number, one in found for reason in one.reasons)
            return Verdict(name, reasons)
    return Verdict(Judgement.VALID)
