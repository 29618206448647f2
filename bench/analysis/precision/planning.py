"""How wide intervals will be: for so many rounds of so many slices, and what a time budget is best spent on. Pure.

All widths are those of simultaneous intervals, on logarithms: 0.03 is about +-3%.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.intervals import MOST_VALUES, t_quantile
from bench.analysis.pairing.families import simultaneous
from bench.analysis.precision.components import Components

MOST_ROUNDS, MOST_SLICES = 99, 999  # what a plan can have


@dataclass(frozen=True)
class Costs:
    """Seconds: `round_s` of a round before and after its blocks, `block_s` of a block (a slice of every cell)."""

    round_s: float
    block_s: float

    def of(self, rounds: int, slices: int) -> float:
        """Seconds of so many rounds of so many slices."""
        return rounds * (self.round_s + slices * self.block_s)


@dataclass(frozen=True)
class Proposal:
    """What to measure, how wide the widest interval then is on average, and how long it takes."""

    rounds: int
    slices: int
    half_width: float
    takes_s: float


def half_width(found: Components, rounds: int, slices: int, pairs: int) -> float:
    """The expected half width of a ratio's interval, one of `pairs` that hold together; on logarithms.

    t(1 - 0.05 / (2 pairs), R - 1) * E(s) / sqrt(R) with the variance of a round's ratio s^2 = var_rounds +
    var_blocks / K, for R rounds (at least two) of K slices. A sample's standard deviation is below the true one on
    average: E(s) = c4(R) * sigma for normal noise (NIST/SEMATECH e-Handbook, 6.3.2).
    """
    spread = _c4(rounds) * math.sqrt(found.of_round(slices))
    return t_quantile(rounds, simultaneous(pairs)) * spread / math.sqrt(rounds)


def _c4(values: int) -> float:
    """E(s) / sigma of so many normal values."""
    return math.sqrt(2 / (values - 1)) * math.exp(math.lgamma(values / 2) - math.lgamma((values - 1) / 2))


def optimum_slices(found: Components, costs: Costs) -> float:
    """How many slices a round should have for the least variance in a given time; inf where rounds do not differ.

    sqrt(round_s / block_s * var_blocks / var_rounds), not rounded. It depends on neither the time nor the number of
    rounds, because it minimises time * variance. It leaves out that t is large for few rounds, which `best` counts.
    Source: Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013 (with c1 = block_s, c2 = round_s;
    they round up).
    """
    if not found.between_rounds:
        return math.inf
    return math.sqrt(costs.round_s / costs.block_s * found.between_blocks / found.between_rounds)


def best(found: Sequence[Components], costs: Costs, budget_s: float, pairs: int) -> Proposal | None:
    """The rounds and slices that fit into a time budget and make the widest of these ratios' intervals narrowest.

    `found` has the components of one pair or of several; `pairs` is how many hold together. Of two equal ones, the one
    with fewer rounds. None where not even two rounds of one slice fit.
    """
    return min(_fitting(found, costs, budget_s, pairs), key=lambda one: (one.half_width, one.rounds), default=None)


def _fitting(found: Sequence[Components], costs: Costs, budget_s: float, pairs: int) -> Iterator[Proposal]:
    """For each number of rounds, with as many slices as fit: more never make an interval wider."""
    for rounds in range(2, MOST_ROUNDS + 1):
        # A little more than the budget, so that times which add up to exactly all of it are not lost to rounding.
        room = (budget_s / rounds - costs.round_s) / costs.block_s
        slices = min(MOST_SLICES, math.floor(room + 1e-9))
        if slices < 1:
            return
        widest = max(half_width(one, rounds, slices, pairs) for one in found)
        yield Proposal(rounds, slices, widest, costs.of(rounds, slices))


def rounds_expected(found: Sequence[Components], slices: int, first_stage: int, precision: float, pairs: int) -> int:
    """About how many rounds in all a run with `--precision` will have, before its first stage has ended.

    Stein's rule (`bench/analysis/intervals.py:values_needed`) with the variance that the components predict, where the
    rule will have that of the first stage: max(n0, (t(n0 - 1) sigma / ln(1 + precision))^2) for the ratio that varies
    most. When the first stage has ended, the rule itself decides, and this has no say. Minutes follow from `Costs.of`
    the rounds that are left.
    """
    variance = max(one.of_round(slices) for one in found)
    needed = t_quantile(first_stage, simultaneous(pairs)) ** 2 * variance / math.log1p(precision) ** 2
    return max(first_stage, math.ceil(min(needed, MOST_VALUES)))


def rounds_left(
    found: Sequence[Components], slices: int, first_stage: int, precision: float, pairs: int, *, done: int, most: int
) -> int:
    """About how many more rounds a run with `--precision` has, of which `done` are measured and `most` allowed."""
    return max(0, min(rounds_expected(found, slices, first_stage, precision, pairs), most) - done)
