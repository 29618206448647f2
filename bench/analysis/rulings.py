"""Published claims, each ruled on from the run's own rounds. Pure.

A ruling is read off an interval, never off a point: see docs/methodology.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from bench.analysis import summary
from bench.analysis.intervals import arithmetic_interval, mean_interval
from bench.analysis.outcome import CellResult
from bench.analysis.summary import OperationSummary
from bench.plan import metrics
from bench.plan.claims import Claim, Selector, ambiguity, described, matching
from bench.plan.matrix import Cell
from bench.plan.metrics import SHARE, Metric

CONFIDENCE = 0.95


class Finding(StrEnum):
    """How a claim fares, the weakest first."""

    REFUTED = "refuted"
    UNDECIDED = "undecided"
    CONFIRMED = "confirmed"
    NOT_TESTED = "not tested"


WEAKEST_FIRST = tuple(Finding)


@dataclass(frozen=True)
class Ruling:
    """A row of claims.csv. `expected` is in words. Unknown values are None."""

    id: str
    source: str
    claim: str
    metric: str
    expected: str
    measured: float | None
    ci_low: float | None
    ci_high: float | None
    ruling: Finding
    why: str


@dataclass(frozen=True)
class Estimate:
    """What the rounds say: a mean and its interval. An end that is not known is infinite."""

    value: float | None
    low: float = -math.inf
    high: float = math.inf
    why: str = ""


@dataclass(frozen=True)
class Arm:
    """A cell that a claim is about: its metric in each round, None in one that is left out.

    `floor`: the load was full before the service.

    `first_stage`: the rounds whose spread decided how many there are, as in bench/analysis/pairs.py.
    """

    slug: str
    values: tuple[float | None, ...]
    floor: bool
    first_stage: int | None = None


Results = Mapping[Cell, CellResult]


def rule(
    claims: Sequence[Claim], cells: Sequence[Cell], results: Results, first_stage: int | None = None
) -> tuple[Ruling, ...]:
    """A ruling on each claim of a plan with these cells, in its order, from what has been measured so far."""
    return tuple(_rule(claim, cells, results, first_stage) for claim in claims)


def _rule(claim: Claim, cells: Sequence[Cell], results: Results, first_stage: int | None) -> Ruling:
    metric = metrics.named(claim.metric)
    found = [matching(selector, cells) for selector in claim.selectors]
    obstacles = [_obstacle(selector, claim, cells, results) for selector in claim.selectors]
    if any(obstacles):
        names = [
            named[0].slug if len(named) == 1 else described(selector)
            for selector, named in zip(claim.selectors, found, strict=True)
        ]
        return _row(claim, names, Estimate(None), Finding.NOT_TESTED, "; ".join(dict.fromkeys(filter(None, obstacles))))
    arms = [_arm(results[cell], claim, first_stage) for [cell] in found]
    if claim.ranking is not None:
        return _rule_on_ranking(claim, arms)
    estimate = value(arms[0], metric) if claim.cell is not None else ratio(arms[0], arms[1], metric, CONFIDENCE)
    slugs = [arm.slug for arm in arms]
    why = "; ".join(filter(None, (" / ".join(slugs), claim.operation, estimate.why)))
    return _row(claim, slugs, estimate, within(estimate, claim.low, claim.high), why)


def _rule_on_ranking(claim: Claim, arms: Sequence[Arm]) -> Ruling:
    """Neighbours in pairs, with intervals that hold for all of them together; the weakest link is reported."""
    neighbours, confidence = list(pairwise(arms)), 1 - (1 - CONFIDENCE) / (len(arms) - 1)
    links = [
        (f"{higher.slug} / {lower.slug}", ratio(higher, lower, metrics.named(claim.metric), confidence))
        for higher, lower in neighbours
    ]
    weakest = min(links, key=lambda link: (WEAKEST_FIRST.index(above_one(link[1])), link[1].value or 0.0))
    why = "; ".join(filter(None, (weakest[0], claim.operation, weakest[1].why)))
    return _row(claim, [arm.slug for arm in arms], weakest[1], above_one(weakest[1]), why)


def _row(claim: Claim, cells: Sequence[str], estimate: Estimate, ruling: Finding, why: str) -> Ruling:
    return Ruling(
        id=claim.id,
        source=claim.source,
        claim=claim.claim,
        metric=claim.metric,
        expected=_expected(claim, cells),
        measured=estimate.value,
        ci_low=estimate.low if math.isfinite(estimate.low) else None,
        ci_high=estimate.high if math.isfinite(estimate.high) else None,
        ruling=ruling,
        why=why,
    )


def _expected(claim: Claim, cells: Sequence[str]) -> str:
    if claim.ranking is not None:
        return " > ".join(cells)
    if claim.at_least is not None:
        return f"at least {claim.at_least:g}"
    return f"at most {claim.high:g}" if math.isinf(claim.low) else f"{claim.low:g} .. {claim.high:g}"


def within(estimate: Estimate, low: float, high: float) -> Finding:
    """Confirmed when the whole interval lies in the range, refuted when all of it lies outside, else undecided."""
    if low <= estimate.low and estimate.high <= high:
        return Finding.CONFIRMED
    return Finding.REFUTED if estimate.high < low or high < estimate.low else Finding.UNDECIDED


def above_one(estimate: Estimate) -> Finding:
    """Whether a ratio is above 1: confirmed or refuted when its interval excludes 1, else undecided."""
    return Finding.CONFIRMED if estimate.low > 1 else Finding.REFUTED if estimate.high < 1 else Finding.UNDECIDED


def _obstacle(selector: Selector, claim: Claim, cells: Sequence[Cell], results: Results) -> str:
    """In words, why nothing can be said of a cell (of several reasons the first); empty where something can."""
    if why := ambiguity(selector, cells):
        return why
    [cell] = matching(selector, cells)
    if cell not in results:
        return f"{cell.slug} was not measured"
    verdict = results[cell].verdict
    if not verdict.ranks:
        return f"{cell.slug} {verdict.name}: {verdict.reasons[0]}"
    if (asked := _asked(results[cell], claim)) is None:
        return f"{cell.slug} had no request of {claim.operation}"
    figures = asked.of_rounds(claim.metric)
    lacking = [number for number, one in enumerate(figures, 1) if one is None and asked.rounds[number - 1]]
    if not lacking:
        return ""
    which = f" in round {lacking[0]}" if any(one is not None for one in figures) else ""
    few = f": under {summary.SAMPLES_BEYOND} samples beyond it" if claim.metric.startswith("latency_p") else ""
    return f"{claim.metric} of {cell.slug} is unknown{which}{few}"


def _asked(result: CellResult, claim: Claim) -> OperationSummary | None:
    """The requests of a cell that a claim is about; None where it had none."""
    wanted = claim.operation or "all"
    return next((one for one in result.operations if one.operation == wanted), None)


def _arm(result: CellResult, claim: Claim, first_stage: int | None) -> Arm:
    asked = _asked(result, claim)
    values = asked.of_rounds(claim.metric) if asked else ()
    return Arm(result.cell.slug, values, result.verdict.is_bound, first_stage)


def value(arm: Arm, metric: Metric) -> Estimate:
    """The mean over rounds: geometric where all are positive, arithmetic for shares and where one is zero."""
    if metric.unit != SHARE and min(_known(arm.values)) > 0:
        return _bounded(_mean(arm.values, CONFIDENCE, arm.first_stage, positive=True), metric, arm, None)
    estimate = _mean(arm.values, CONFIDENCE, arm.first_stage, positive=False)
    if math.isfinite(estimate.high):
        most = 1.0 if metric.unit == SHARE else math.inf
        estimate = replace(estimate, low=max(estimate.low, 0.0), high=min(estimate.high, most))
    return _bounded(estimate, metric, arm, None)


def ratio(candidate: Arm, baseline: Arm, metric: Metric, confidence: float) -> Estimate:
    """The geometric mean over rounds of candidate / baseline, with a paired interval on logarithms."""
    pairs = list(zip(candidate.values, baseline.values, strict=False))
    if not (both := [pair for pair in pairs if None not in pair]):
        return Estimate(None, why="no round counts for both cells")
    if any(min(_known(pair)) <= 0 for pair in both):
        return Estimate(None, why=f"{metric.name} is 0 in a round, and a ratio needs more")
    ratios = [None if new is None or old is None else new / old for new, old in pairs]
    return _bounded(_mean(ratios, confidence, candidate.first_stage, positive=True), metric, candidate, baseline)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(in_rounds: Sequence[float | None], confidence: float, first_stage: int | None, *, positive: bool) -> Estimate:
    values = _known(in_rounds)
    if len(values) < 2:
        return Estimate(values[0], why="one round: an interval needs two")
    if len(set(values)) == 1:  # exactly so: no logarithm may move it off the end of a range
        return Estimate(values[0], values[0], values[0])
    mean = math.fsum(map(math.log, values) if positive else values) / len(values)
    first = None if first_stage is None else _known(in_rounds[:first_stage])
    interval = (mean_interval if positive else arithmetic_interval)(values, confidence, first)
    low, high = interval or (-math.inf, math.inf)
    return Estimate(math.exp(mean) if positive else mean, low, high)


def _bounded(estimate: Estimate, metric: Metric, candidate: Arm, baseline: Arm | None) -> Estimate:
    """With a FLOOR cell, only the end of the interval that a fuller load could not move."""
    slugs = [arm.slug for arm in (candidate, baseline) if arm is not None and arm.floor]
    if not slugs or not metric.is_bound:
        return estimate
    is_floor = baseline is not None and baseline.floor
    low_is_open, high_is_open = metric.open_ends(candidate=candidate.floor, baseline=is_floor)
    low, high = -math.inf if low_is_open else estimate.low, math.inf if high_is_open else estimate.high
    why = f"{' and '.join(slugs)} FLOOR: only a bound is known"
    return Estimate(estimate.value, low, high, "; ".join(filter(None, (estimate.why, why))))
