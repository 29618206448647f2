"""Where the noise of a ratio comes from: how much rounds differ, and how much the blocks of one round do. Pure.

The model is a one-way random-effects model: log ratio = mean + round + block, where rounds and blocks are drawn
independently. Its two variances are estimated by analysis of variance, which needs neither normal noise nor as many
blocks in every round. Sources: Searle, Casella and McCulloch, "Variance Components", Wiley 1992, chapter 3 (unbalanced
data); Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013 (the same for equal counts).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Ragged = Sequence[Sequence[float]]
"""Log ratios by round, and within it by block."""
Figures = Sequence[Sequence[float | None]]
"""A cell's figures by round, and within it by slice; None where a slice has none."""


@dataclass(frozen=True)
class Components:
    """Variances of a log ratio. `as_estimated` is that between rounds before a negative one became 0.

    `rounds` and `blocks` say what it rests on: how many rounds there were, and how many blocks in all.
    """

    between_rounds: float
    between_blocks: float
    as_estimated: float
    rounds: int
    blocks: int

    @property
    def note(self) -> str:
        """In words, that the variance between rounds is an estimate of less than nothing; empty where it is not."""
        if self.as_estimated >= 0:
            return ""
        return (
            f"the variance between rounds was estimated as {self.as_estimated:.2g}, and 0 is used: {self.rounds} rounds"
            " differ by no more than their blocks explain"
        )

    def of_round(self, slices: int) -> float:
        """The variance of a round's ratio that is pooled from so many slices of each cell."""
        return self.between_rounds + self.between_blocks / slices


def log_ratios(baseline: Figures, candidate: Figures) -> list[list[float]]:
    """ln(candidate / baseline) of each block. Blocks that lack a figure of either are left out, and rounds without any.

    A figure of 0 has no logarithm, and counts as lacking.
    """
    found = [
        [math.log(new / old) for old, new in zip(olds, news, strict=False) if old and new and old > 0 < new]
        for olds, news in zip(baseline, candidate, strict=False)
    ]
    return [one for one in found if one]


def estimate(ratios: Ragged) -> Components | None:
    """The components of one pair's log ratios; None with fewer than two rounds, or without two blocks in any of them.

    With n_i blocks in round i of a rounds, and N blocks in all, the mean squares within and between rounds are

        MSE = sum (y_ij - mean_i)^2 / (N - a),   MSA = sum n_i (mean_i - mean)^2 / (a - 1),

    and E(MSE) = var_blocks, E(MSA) = var_blocks + n_0 var_rounds with n_0 = (N - sum n_i^2 / N) / (a - 1).
    """
    rounds = [list(one) for one in ratios if one]
    count, blocks = len(rounds), sum(map(len, rounds))
    if count < 2 or blocks == count:
        return None
    means = [math.fsum(one) / len(one) for one in rounds]
    mean = math.fsum(value for one in rounds for value in one) / blocks
    within = math.fsum((value - means[number]) ** 2 for number, one in enumerate(rounds) for value in one)
    between = math.fsum(len(one) * (means[number] - mean) ** 2 for number, one in enumerate(rounds))
    of_blocks = within / (blocks - count)
    typical = (blocks - sum(len(one) ** 2 for one in rounds) / blocks) / (count - 1)
    of_rounds = (between / (count - 1) - of_blocks) / typical
    return Components(max(0.0, of_rounds), of_blocks, of_rounds, count, blocks)


def merged(ratios: Ragged, count: int) -> list[list[float]]:
    """The means of so many neighbouring blocks each: about what slices that are so many times as long would have shown.

    The estimates of both say how the variance between blocks falls with the length of a slice (`exponent`). A rest
    of fewer blocks at the end of a round is left out.
    """
    return [
        [math.fsum(one[place : place + count]) / count for place in range(0, len(one) - count + 1, count)]
        for one in ratios
    ]


def exponent(shorter: Components, longer: Components, times: float) -> float:
    """How the variance between blocks falls with the length of a slice: as length ** -exponent.

    `longer` has slices that are `times` as long. 1: what disturbs one second has nothing to do with the next, so that
    one slice of 10 s is as good as ten of 1 s. 0: a longer slice is no better at all. Negative: noise that grows with
    time, such as drift.
    """
    return math.log(shorter.between_blocks / longer.between_blocks) / math.log(times)


def with_slices(found: Components, times: float, *, falls_by: float) -> Components:
    """The components with slices that are `times` as long. `falls_by` is the exponent: there is no safe guess at it."""
    return replace(found, between_blocks=found.between_blocks * times**-falls_by)
