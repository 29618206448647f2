"""What is known of a run's intervals before it starts: are there enough rounds, and how wide will they be? Pure."""

import math
from collections.abc import Sequence

from bench.analysis.intervals import PLUS_MINUS, t_quantile
from bench.analysis.pairing import families
from bench.analysis.pairing.families import Family, simultaneous
from bench.analysis.precision.planning import MOST_ROUNDS
from bench.plan.matrix import Cell

TOO_WIDE, WIDE_ENOUGH = 5.0, 2.0
"""Half widths of an interval, as multiples of the standard deviation between rounds."""


def pairs(cells: Sequence[Cell], baseline: str) -> int:
    """How many pairs hold together in the family that is shown, in the scenario that has most of them."""
    counts = [0]
    for scenario in {one.scenario for one in cells}:
        found = families.of_cells([one for one in cells if one.scenario == scenario], baseline)
        counts.append(len(found[Family.BASELINE] or found[Family.ALL]))
    return max(counts)


def half_width(rounds: int, count: int) -> float:
    """The half width of an interval, one of `count` that hold together, in standard deviations between rounds.

    t(1 - 0.05 / (2 count), rounds - 1) / sqrt(rounds), for at least two rounds.
    """
    return t_quantile(rounds, simultaneous(count)) / math.sqrt(rounds)


def too_few(cells: Sequence[Cell], rounds: int, baseline: str) -> str:
    """In words, that these rounds cannot tell so many pairs apart, and how many could; empty where they can."""
    count = pairs(cells, baseline)
    if not count:
        return ""
    together = f"{count} pairs" if count > 1 else "a pair"
    enough = next(number for number in range(2, MOST_ROUNDS) if half_width(number, count) <= WIDE_ENOUGH)
    if rounds < 2:
        return f"one round has no interval, so nothing can be compared; about {enough} rounds compare {together}"
    if half_width(rounds, count) <= TOO_WIDE:
        return ""
    now, then = f"{PLUS_MINUS}{half_width(rounds, count):.0f}", f"{PLUS_MINUS}{half_width(enough, count):.1f}"
    return (
        f"{rounds} rounds are too few to compare {together}: each interval is {now} times the spread between rounds."
        f" About {enough} rounds would do ({then})"
    )


def expected(half: float, had: tuple[int, int], rounds: int, count: int) -> float | None:
    """The half width of `count` intervals after so many rounds, where a run with `had` rounds and pairs had `half`.

    None where one of the two has fewer than two rounds, or no pair.
    """
    if min(had[0], rounds) < 2 or min(had[1], count) < 1:
        return None
    return half * half_width(rounds, count) / half_width(*had)
