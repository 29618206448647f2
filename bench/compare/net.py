"""What all cells of a comparison changed by together, and what one changed by beside the others. Pure.

A machine that became faster between two runs makes all services faster. So the change that services share says nothing
about one of them. It is the middle one of the cells' changes: a service that changed hardly moves it.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.intervals import welch_interval
from bench.plan.metrics import Metric

LEAST_SERVICES = 3
"""Of two services that moved apart, either may be the one that changed."""
TIMES = frozenset({"ms", "s", "1/s"})
"""The units of what a machine's speed moves. Memory, counts and shares stay as they are."""


@dataclass(frozen=True)
class CellRounds:
    """One metric of one cell of a service in both runs: its positive value by the number of the round.

    `first`: how many of the old and of the new rounds decided how many there are; None where nothing did.
    """

    service: str
    old: dict[int, float]
    new: dict[int, float]
    first: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True)
class Factor:
    """A ratio new / old with its interval."""

    ratio: float
    low: float
    high: float


def moves_with_speed(metric: Metric) -> bool:
    """Whether a faster machine would change it."""
    return metric.unit in TIMES


def shared(cells: Sequence[CellRounds], confidence: float) -> Factor | None:
    """The middle one of the cells' changes, from the middle ones of the ends of their intervals.

    None where the cells with an interval are of fewer than LEAST_SERVICES services.
    """
    found = [(cell.service, one) for cell in cells if (one := _factor(cell.old, cell.new, cell.first, confidence))]
    return _middle(found, LEAST_SERVICES)


def net(one: CellRounds, others: Sequence[CellRounds], confidence: float) -> Factor | None:
    """The change of one cell divided by that of each cell of another service: the middle one, with the middle ends.

    Two cells of a run are divided round by round, so that what slowed a round down cancels out. A cell that did not
    change differs from the few that did, and these are not in the middle. None where fewer than LEAST_SERVICES - 1
    other services have two rounds in common with it.
    """
    found = [
        (other.service, contrast)
        for other in others
        if other.service != one.service and (contrast := _contrast(one, other, confidence))
    ]
    return _middle(found, LEAST_SERVICES - 1)


def _contrast(one: CellRounds, other: CellRounds, confidence: float) -> Factor | None:
    old, new = _divided(one.old, other.old), _divided(one.new, other.new)
    first = (
        _still_first(old, (one.old, one.first[0]), (other.old, other.first[0])),
        _still_first(new, (one.new, one.first[1]), (other.new, other.first[1])),
    )
    return _factor(old, new, first, confidence)


def _divided(own: dict[int, float], others: dict[int, float]) -> dict[int, float]:
    return {number: value / others[number] for number, value in own.items() if number in others}


def _still_first(common: dict[int, float], *cells: tuple[dict[int, float], int | None]) -> int | None:
    """How many of the rounds in common are among the first of each cell that has any."""
    deciding = [set(list(rounds)[:first]) for rounds, first in cells if first is not None]
    return len(set(common).intersection(*deciding)) if deciding else None


def _factor(
    old: dict[int, float], new: dict[int, float], first: tuple[int | None, int | None], confidence: float
) -> Factor | None:
    if min(len(old), len(new)) < 2 or any(count is not None and count < 2 for count in first):
        return None
    before, after = list(old.values()), list(new.values())
    interval = welch_interval(before, after, confidence, first)
    if interval is None:
        return None
    means = [math.fsum(map(math.log, values)) / len(values) for values in (before, after)]
    return Factor(math.exp(means[1] - means[0]), *interval)


def _middle(found: Sequence[tuple[str, Factor]], least: int) -> Factor | None:
    """Of an even number the wider of the two middle ends; None where they are of fewer than `least` services."""
    if len({service for service, _ in found}) < least:
        return None
    factors = [one for _, one in found]
    return Factor(
        math.exp(statistics.median(math.log(one.ratio) for one in factors)),
        statistics.median_low(one.low for one in factors),
        statistics.median_high(one.high for one in factors),
    )
