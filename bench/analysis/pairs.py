"""Cells of one run against each other: the ratio of each pair, its interval, and what that shows. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

from bench.analysis import sweeps
from bench.analysis.intervals import mean_interval, values_needed
from bench.analysis.notes import A_A
from bench.analysis.outcome import CellResult
from bench.analysis.summary import OperationSummary
from bench.analysis.verdict import Judgement
from bench.plan import metrics
from bench.plan.matrix import AA, Cell
from bench.plan.metrics import Known, Metric, Place

CONFIDENCE = 0.95
MOST_ROWS = 20


class Conclusion(StrEnum):
    """What an interval shows."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE_SHOWN = "no difference shown"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Pair:
    """A row of comparison.csv: `ratio` is candidate / baseline, with its simultaneous interval.

    `rounds` are those that know the ratio.
    """

    scenario: str
    operation: str
    metric: str
    baseline: str
    candidate: str
    rounds: int
    ratio: float | None
    ci_low: float | None
    ci_high: float | None
    conclusion: Conclusion
    why: str


def compare(results: Sequence[CellResult], first_stage: int | None = None) -> tuple[Pair, ...]:
    """Pairs of cells of each scenario that differ on one axis, by operation and metric; the A/A arm with its twin.

    Of a curve that is long enough to have a knee, only neighbours are a pair. `first_stage`: the rounds whose spread
    decided how many rounds there are; None where their number was fixed.
    """
    found: list[Pair] = []
    for scenario in dict.fromkeys(result.cell.scenario for result in results):
        mine = [one for one in results if one.cell.scenario == scenario and not one.cell.once]
        arms = [one for one in mine if not one.cell.arm]
        pairs = _compared(arms)
        confidence = simultaneous(len(pairs))
        for baseline, candidate in pairs:
            found += _pair(baseline, candidate, confidence, first_stage, "")
        originals = {f"{one.cell.slug}-{AA}": one for one in arms}
        for twin in (one for one in mine if one.cell.arm):
            if twin.cell.slug in originals:  # or it is still to be measured
                found += _pair(originals[twin.cell.slug], twin, CONFIDENCE, first_stage, A_A)
    return tuple(found)


def simultaneous(intervals: int) -> float:
    """The confidence of each of several intervals that all hold together with CONFIDENCE: Bonferroni's."""
    return 1 - (1 - CONFIDENCE) / max(1, intervals)


def axes_apart(one: Cell, other: Cell) -> int:
    """On how many axes of the plan two cells differ, of those that both have."""
    mine, theirs = (sweeps.settings(cell) for cell in (one, other))
    return sum(mine[name] != theirs[name] for name in mine if name in theirs and name != "arm")


def _compared(results: Sequence[CellResult]) -> list[tuple[CellResult, CellResult]]:
    """One axis apart, and neighbours where they are on the same curve: its knee gives its shape."""
    skipped = set()
    for curve in sweeps.curves(results):
        if len(curve.points) >= sweeps.LEAST_FOR_KNEE:
            cells = [one.cell for one in curve.points]
            skipped |= {frozenset(pair) for pair in combinations(cells, 2)} - {
                frozenset(pair) for pair in pairwise(cells)
            }
    pairs = combinations(results, 2)
    return [
        (one, other)
        for one, other in pairs
        if axes_apart(one.cell, other.cell) == 1 and frozenset((one.cell, other.cell)) not in skipped
    ]


def sharing(contrasts: Sequence[Pair]) -> int:
    """Among how many pairs of a scenario the 5% are shared, so that all ratios of one metric hold together.

    All but that of the A/A arm, which has 95% of its own.
    """
    return len({(one.baseline, one.candidate) for one in contrasts if not is_twin(one)})


def is_twin(pair: Pair) -> bool:
    """Whether it is the A/A arm with its original."""
    return A_A in pair.why


def shown(contrasts: Sequence[Pair], results: Sequence[CellResult]) -> tuple[list[Pair], int]:
    """What a table in the terminal has room for, and how many pairs that leaves out.

    All of them, or when they are more than MOST_ROWS those of two services in the same setting, if there are any.
    """
    services = {one.cell.slug: one.cell.service for one in results}
    across = [one for one in contrasts if services[one.baseline] != services[one.candidate]]
    count, fewer = (len({(one.baseline, one.candidate) for one in rows}) for rows in (contrasts, across))
    return (list(contrasts), 0) if count <= MOST_ROWS or not across else (across, count - fewer)


def _pair(
    baseline: CellResult, candidate: CellResult, confidence: float, first_stage: int | None, remark: str
) -> list[Pair]:
    both = {one.operation: one for one in candidate.operations}
    rows = []
    for operation in baseline.operations:
        other = both.get(operation.operation)
        if other is None:
            continue
        for metric in metrics.in_(Place.COMPARISON):
            if metric.known is not Known.OPERATION and operation.operation != "all":
                continue
            ratios, first = _ratios(operation, other, metric.name, first_stage)
            interval = mean_interval(ratios, confidence, first)
            conclusion, why = _concluded(baseline, candidate, metric, ratios, interval)
            shown = conclusion != Conclusion.NOT_COMPARABLE
            rows.append(
                Pair(
                    scenario=baseline.cell.scenario,
                    operation=operation.operation,
                    metric=metric.name,
                    baseline=baseline.cell.slug,
                    candidate=candidate.cell.slug,
                    rounds=len(ratios),
                    ratio=math.exp(math.fsum(map(math.log, ratios)) / len(ratios)) if ratios and shown else None,
                    ci_low=interval[0] if interval and shown else None,
                    ci_high=interval[1] if interval and shown else None,
                    conclusion=conclusion,
                    why="; ".join(text for text in (why, remark) if text),
                )
            )
    return rows


def _concluded(
    baseline: CellResult,
    candidate: CellResult,
    metric: Metric,
    ratios: Sequence[float],
    interval: tuple[float, float] | None,
) -> tuple[Conclusion, str]:
    """What the interval shows, and why; reads nothing but the interval off."""
    if unranked := _unranked(baseline, candidate):
        return Conclusion.NOT_COMPARABLE, unranked
    if interval is None:
        few = "an interval needs two rounds" if len(ratios) < 2 else "known in fewer than two rounds of the first stage"
        return Conclusion.NOT_COMPARABLE, few if ratios else "unknown in every round"
    low, high = interval
    conclusion = Conclusion.HIGHER if low > 1 else Conclusion.LOWER if high < 1 else Conclusion.NONE_SHOWN
    found = [one for one in (baseline, candidate) if one.verdict.is_bound]
    if found and metric.is_bound:
        low_is_open, high_is_open = metric.open_ends(
            candidate=candidate.verdict.is_bound, baseline=baseline.verdict.is_bound
        )
        if {Conclusion.HIGHER: low_is_open, Conclusion.LOWER: high_is_open}.get(conclusion, True):
            slugs = " and ".join(one.cell.slug for one in found)
            return Conclusion.NOT_COMPARABLE, f"{slugs} FLOOR: only a bound is known"
    return conclusion, ""


def _unranked(*cells: CellResult) -> str:
    """In words, which of these may not be compared; empty where all may."""
    invalid, unjudged = (
        " and ".join(one.cell.slug for one in cells if one.verdict.name is name)
        for name in (Judgement.INVALID, Judgement.UNJUDGED)
    )
    return "; ".join([f"{invalid} INVALID"] * bool(invalid) + [f"UNJUDGED: {unjudged}"] * bool(unjudged))


def _ratios(
    baseline: OperationSummary, candidate: OperationSummary, metric: str, first_stage: int | None
) -> tuple[list[float], list[float] | None]:
    """Candidate / baseline in each round that knows it, and the same of the first stage; None where there is none."""
    values = list(zip(baseline.of_rounds(metric), candidate.of_rounds(metric), strict=False))
    ratios, first = ([new / old for old, new in some if old and new] for some in (values, values[:first_stage]))
    return ratios, None if first_stage is None else first


def rounds_needed(results: Sequence[CellResult], precision: float, first_stage: int) -> int | None:
    """How many rounds in all give every throughput ratio an interval of +- `precision`: decided by the first stage.

    `results` are those of the first stage; later rounds' figures change nothing. None when no pair can be compared.
    """
    needed = []
    for scenario in dict.fromkeys(result.cell.scenario for result in results):
        mine = [one for one in results if one.cell.scenario == scenario and not one.cell.once and not one.cell.arm]
        pairs = _compared(mine)
        for baseline, candidate in pairs:
            _, first = _ratios(baseline.total, candidate.total, "throughput_rps", first_stage)
            if first and len(first) >= 2 and baseline.verdict.ranks and candidate.verdict.ranks:
                logarithms = [math.log(ratio) for ratio in first]
                needed.append(values_needed(logarithms, simultaneous(len(pairs)), math.log(1 + precision)))
    return max((first_stage, *needed)) if needed else None
