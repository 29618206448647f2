"""Whether a cell's numbers may be believed. Each rule is a function of one measurement's evidence: a reason or nothing.

Formulas, thresholds and their sources are in docs/methodology.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.analysis.rules import answers, conservation, load, machine, slices
from bench.analysis.rules.loosened import loosened
from bench.plan.model import Thresholds
from bench.plan.note import Kind, Note


class Judgement(StrEnum):
    """The name of a verdict."""

    VALID = "VALID"
    FLOOR = "FLOOR"
    """A lower bound: the load was the limit."""
    INVALID = "INVALID"
    """Not to be ranked."""
    UNJUDGED = "UNJUDGED"
    """The plan loosened the thresholds: nothing is ranked."""


@dataclass(frozen=True)
class Verdict:
    """A judgement, and its reasons. Of a cell, most are about one round. `unchecked`: what the rules could not see."""

    name: Judgement
    reasons: tuple[Note, ...] = ()
    unchecked: tuple[Note, ...] = ()

    @property
    def ranks(self) -> bool:
        """Whether the cell may be compared with others."""
        return self.name in {Judgement.VALID, Judgement.FLOOR}

    @property
    def is_bound(self) -> bool:
        """Whether figures that a fuller load could move are only bounds."""
        return self.name is Judgement.FLOOR


Rule = Callable[[Evidence, Thresholds], str]
INVALIDATING: tuple[Rule, ...] = (
    *conservation.RULES, *answers.RULES, *load.RULES, *machine.RULES, *slices.RULES,
)  # fmt: skip
LEAST_ROUNDS, LEAST_SHARE = 3, 0.5  # of a cell's rounds that must not be disturbed, if it has that many
# Of a cell that took turns, one round has too much noise for these: its rounds are judged together.
OVER_ROUNDS: Mapping[Rule, Callable[[Sequence[Evidence], Thresholds], str]] = {
    conservation.unsteady: conservation.unsteady_over_rounds,
    conservation.drifted: conservation.drifted_over_rounds,
}
# What the service cannot cause: the same measurement may well succeed when it is made again.
DISTURBING = (conservation.no_window, *load.OUTSIDE, *machine.OUTSIDE, *slices.OUTSIDE)


def disturbance(seen: Evidence, limits: Thresholds) -> str:
    """Why a measurement should be made once more; empty where it need not.

    A service that ended by itself is a result: that there was no load either follows from it. So is a file that cannot
    be read: what it had is not known.
    """
    if seen.by_service or seen.unreadable:
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
    unseen = seen.foreign and not bound.is_seen(seen.machine)
    if min(loading) <= limits.busy or (max(service) > limits.busy and not unseen):
        return ""
    by = ", ".join(f"{role} {used / seen.length_s:.0%}" for role, used in seen.machine.cpu_s.items() if used > 0.01)
    other = "what the target used is not known" if unseen else f"the service's {max(service):.0%}"
    return f"the load's CPU was {min(loading):.0%} busy and {other}: a lower bound (in CPUs: {by})"


def of_measurement(seen: Evidence, limits: Thresholds, *, alone: bool = True) -> Verdict:
    """The verdict on one measurement. Of several in slices it is not `alone`: some rules then judge all of them."""
    rules = INVALIDATING if alone else [rule for rule in INVALIDATING if rule not in OVER_ROUNDS]
    found = ((rule.__name__, rule(seen, limits)) for rule in rules)
    unchecked = tuple(Note("", Kind.UNCHECKED, text) for text in (*machine.unchecked(seen), *answers.unchecked(seen)))
    if reasons := tuple(Note("", Kind.INVALID, why, name) for name, why in found if why):
        return Verdict(Judgement.INVALID, reasons, unchecked)
    if why := floor(seen, limits):
        return Verdict(Judgement.FLOOR, (Note("", Kind.FLOOR, why, floor.__name__),), unchecked)
    return Verdict(Judgement.VALID, (), unchecked)


def left_out(measurements: Sequence[Evidence], limits: Thresholds) -> tuple[int, ...]:
    """The numbers, from 1, of the rounds that do not count, because something disturbed them. None if too few are left.

    It looks at no result: a slow round counts, and a fast one does, too.
    """
    found = tuple(number for number, one in enumerate(measurements, 1) if disturbance(one, limits))
    return () if _too_few(len(measurements) - len(found), len(measurements)) else found


def _too_few(left: int, measured: int) -> bool:
    return left < min(LEAST_ROUNDS, measured) or left < LEAST_SHARE * measured


def of_cell(measurements: Sequence[Evidence], limits: Thresholds) -> Verdict:
    """The verdict on a cell is the worst of its measurements', of those that count; reasons say which ones."""
    out = left_out(measurements, limits)
    counting = {number: one for number, one in enumerate(measurements, 1) if number not in out}
    together = [one for one in counting.values() if one.slices]
    alone = len(together) < 2
    each = {number: of_measurement(one, limits, alone=alone or not one.slices) for number, one in counting.items()}
    unchecked = tuple(dict.fromkeys(note for one in each.values() for note in one.unchecked))
    whole = [] if alone else _of_all(together, limits)
    for name in (Judgement.INVALID, Judgement.FLOOR):
        reasons = whole if name is Judgement.INVALID else []
        for number, one in each.items():
            if one.name is name:
                reasons += [replace(reason, about=f"round {number}") for reason in one.reasons]
        if reasons and name is Judgement.INVALID:
            return Verdict(name, (*_few_left(measurements, limits), *reasons), unchecked)
        if reasons:
            return _judged(Verdict(name, tuple(reasons), unchecked), limits)
    return _judged(Verdict(Judgement.VALID, (), unchecked), limits)


def _of_all(measurements: Sequence[Evidence], limits: Thresholds) -> list[Note]:
    found = ((rule.__name__, over_rounds(measurements, limits)) for rule, over_rounds in OVER_ROUNDS.items())
    return [Note("", Kind.INVALID, why, name) for name, why in found if why]


def _few_left(measurements: Sequence[Evidence], limits: Thresholds) -> list[Note]:
    """That too few rounds were not disturbed, where some were not and some were."""
    left = sum(not disturbance(one, limits) for one in measurements)
    if not left or not _too_few(left, len(measurements)):
        return []
    why = f"{left} of {len(measurements)} rounds were not disturbed, which is too few to leave the others out"
    return [Note("", Kind.INVALID, why, left_out.__name__)]


def _judged(found: Verdict, limits: Thresholds) -> Verdict:
    """A verdict that ranks, unless the plan has looser thresholds than others have."""
    if not (looser := loosened(limits)):
        return found
    why = f"the plan loosens the thresholds of the verdict: {', '.join(looser)}"
    return replace(
        found,
        name=Judgement.UNJUDGED,
        reasons=(Note("", Kind.UNJUDGED, why, loosened.__name__), *found.reasons),
    )
