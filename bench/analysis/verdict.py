"""Whether a cell's numbers may be believed. Each rule is a function of one measurement's evidence: a reason or nothing.

Formulas, thresholds and their sources are in docs/methodology.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.roles import TARGET
from bench.analysis.rules import answers, conservation, load, machine, slices
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
    """A judgement, and its reasons. Of a cell, each is about one round. `unchecked`: what the rules could not see."""

    name: Judgement
    reasons: tuple[Note, ...] = ()
    unchecked: tuple[Note, ...] = ()

    @property
    def ranks(self) -> bool:
        """Whether the cell may be compared with others."""
        return self.name is not Judgement.INVALID

    @property
    def is_bound(self) -> bool:
        """Whether figures that a fuller load could move are only bounds."""
        return self.name is Judgement.FLOOR


INVALIDATING: tuple[Callable[[Evidence, Thresholds], str], ...] = (
    *conservation.RULES, *answers.RULES, *load.RULES, *machine.RULES, *slices.RULES,
)  # fmt: skip
# What the service cannot cause: the same measurement may well succeed when it is made again.
DISTURBING = (conservation.no_window, *load.OUTSIDE, *machine.OUTSIDE, *slices.OUTSIDE)


def disturbance(seen: Evidence, limits: Thresholds) -> str:
    """Why a measurement should be made once more; empty where it need not.

    A service that ended by itself is a result: that there was no load either follows from it.
    """
    if seen.by_service:
        return ""
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
    loading = [busy[number] for number in seen.placement.load]
    service = [busy[number] for number in seen.placement.service]
    unseen = seen.foreign and TARGET not in seen.machine.cpu_s
    if min(loading) <= limits.busy or (max(service) > limits.busy and not unseen):
        return ""
    by = ", ".join(f"{role} {used / seen.length_s:.0%}" for role, used in seen.machine.cpu_s.items() if used > 0.01)
    other = "what the target used is not known" if unseen else f"the service's {max(service):.0%}"
    return f"the load's CPU was {min(loading):.0%} busy and {other}: a lower bound (in CPUs: {by})"


def of_measurement(seen: Evidence, limits: Thresholds) -> Verdict:
    """The verdict on one measurement."""
    found = ((rule.__name__, rule(seen, limits)) for rule in INVALIDATING)
    unchecked = tuple(Note("", Kind.UNCHECKED, text) for text in machine.unchecked(seen))
    if reasons := tuple(Note("", Kind.INVALID, why, name) for name, why in found if why):
        return Verdict(Judgement.INVALID, reasons, unchecked)
    if why := floor(seen, limits):
        return Verdict(Judgement.FLOOR, (Note("", Kind.FLOOR, why, floor.__name__),), unchecked)
    return Verdict(Judgement.VALID, (), unchecked)


def of_cell(measurements: Sequence[Evidence], limits: Thresholds) -> Verdict:
    """The verdict on a cell is the worst of its measurements'; reasons say which ones."""
    each = [of_measurement(one, limits) for one in measurements]
    unchecked = tuple(dict.fromkeys(note for one in each for note in one.unchecked))
    for name in (Judgement.INVALID, Judgement.FLOOR):
        found = [(number, one) for number, one in enumerate(each, 1) if one.name == name]
        if found:
            reasons = tuple(replace(reason, about=f"round {number}") for number, one in found for reason in one.reasons)
            return Verdict(name, reasons, unchecked)
    return Verdict(Judgement.VALID, (), unchecked)
