"""What became worse between two runs without a ratio to show it: cells that were lost, and failures that rose. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import betainc  # a ufunc; scipy.stats takes far longer to import

from bench.analysis.pairing.families import CONFIDENCE
from bench.analysis.verdict import Judgement
from bench.compare import cells
from bench.compare.cells import OperationFigures


class LossKind(StrEnum):
    """In which way a cell became worse."""

    INVALID = "became INVALID"
    GONE = "vanished"
    FAILING = "failures rose"


@dataclass(frozen=True)
class Loss:
    """A cell that became worse, and in words from what to what."""

    kind: LossKind
    identity: tuple[str, ...]
    text: str


def found(old: Sequence[OperationFigures], new: Sequence[OperationFigures], limit: float = 0.0) -> tuple[Loss, ...]:
    """Whole cells that became INVALID, that only the old run has, or whose share of failures rose by more than `limit`.

    The tests of failures have 5% together: of k cells, each has 0.05 / k (Bonferroni).
    """
    before = {one.identity: one for one in old if one.operation == "all"}
    both = [(before[one.identity], one) for one in new if one.operation == "all" and one.identity in before]
    losses = [
        Loss(LossKind.INVALID, one.identity, f"{was.verdict} in the old run, INVALID in the new one")
        for was, one in both
        if one.verdict == Judgement.INVALID and was.verdict != Judgement.INVALID
    ]
    losses += [
        Loss(LossKind.GONE, one.identity, f"{one.verdict} in the old run, not in the new one")
        for one in cells.only(old, new)[0]
    ]
    tested = [pair for pair in both if _can_be_tested(*pair)]
    for was, one in tested:
        chance = rise(_counts(was), _counts(one), limit)
        if chance <= (1 - CONFIDENCE) / len(tested):
            losses.append(Loss(LossKind.FAILING, one.identity, f"{_counted(was)} -> {_counted(one)}, p = {chance:.1g}"))
    return tuple(losses)


def rise(old: tuple[int, int], new: tuple[int, int], limit: float = 0.0) -> float:
    """The probability of so many failures or more in the new run, if their rate were the old one's times 1 + `limit`.

    Both are (failures, requests). Given how many failures there are in both runs together, those of the new run are
    binomial, with its share of the requests. This is exact when requests fail rarely and independently of each other.
    Source: Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31
    (1940), 313-323.
    """
    (old_failures, old_requests), (new_failures, new_requests) = old, new
    if not new_failures:
        return 1.0
    weight = new_requests * (1 + limit)
    # P(X >= k) of a binomial X of n and p is the regularised incomplete beta function of p with k and n - k + 1.
    return float(betainc(new_failures, old_failures + 1, weight / (old_requests + weight)))


def lines(losses: Sequence[Loss], name_of: Callable[[tuple[str, ...]], str]) -> list[str]:
    """Each in one line that names the cell."""
    return [f"{one.kind}: {name_of(one.identity)}: {one.text}" for one in losses]


def _can_be_tested(old: OperationFigures, new: OperationFigures) -> bool:
    """An INVALID cell is named for that; at another rate, other failures may come of the load."""
    judged = all(one.verdict != Judgement.INVALID for one in (old, new))
    counted = all(one.requests and one.failures is not None for one in (old, new))
    return judged and counted and not cells.other_load(old, new)


def _counts(one: OperationFigures) -> tuple[int, int]:
    return one.failures or 0, one.requests or 0


def _counted(one: OperationFigures) -> str:
    failures, requests = _counts(one)
    return f"{failures:,} of {requests:,} requests ({failures / requests:.3%})"
