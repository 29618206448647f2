"""Cells of one run against each other: the ratio of each pair, its interval, and what that shows. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.analysis.intervals import mean_interval, values_needed
from bench.analysis.notes import A_A
from bench.analysis.outcome import CellResult
from bench.analysis.pairing import families
from bench.analysis.pairing.families import CONFIDENCE, CellPair, Family, simultaneous
from bench.analysis.summary import OperationSummary
from bench.analysis.verdict import Judgement
from bench.plan import metrics
from bench.plan.matrix import AA
from bench.plan.metrics import Known, Metric, Place

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

    `rounds` are those that know the ratio. The interval holds together with those of its `family`.
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
    family: Family = Family.ALL


def compare(results: Sequence[CellResult], first_stage: int | None = None, baseline: str = "") -> tuple[Pair, ...]:
    """Pairs of cells of each scenario that differ on one axis, by operation and metric; the A/A arm with its twin.

    Of a curve that is long enough to have a knee, only neighbours are a pair. `first_stage`: the rounds whose spread
    decided how many rounds there are; None where their number was fixed. Pairs with `baseline`, a service, are there
    a second time, as a family of their own.
    """
    found: list[Pair] = []
    for mine in _by_scenario(results):
        for family, pairs in families.of_scenario(mine, baseline).items():
            for pair in pairs:
                found += _pair(pair, family, simultaneous(len(pairs)), first_stage)
        originals = {f"{one.cell.slug}-{AA}": one for one in mine if not one.cell.once and not one.cell.arm}
        for twin in (one for one in mine if one.cell.arm and not one.cell.once):
            if twin.cell.slug in originals:  # or it is still to be measured
                found += _pair((originals[twin.cell.slug], twin), Family.TWINS, CONFIDENCE, first_stage)
    return tuple(found)


def _by_scenario(results: Sequence[CellResult]) -> list[list[CellResult]]:
    scenarios = dict.fromkeys(one.cell.scenario for one in results)
    return [[one for one in results if one.cell.scenario == scenario] for scenario in scenarios]


def sharing(contrasts: Sequence[Pair]) -> int:
    """Among how many pairs of a family the 5% are shared, so that all ratios of one metric hold together.

    All but that of the A/A arm, which has 95% of its own.
    """
    return len({(one.baseline, one.candidate) for one in contrasts if not is_twin(one)})


def is_twin(pair: Pair) -> bool:
    """Whether it is the A/A arm with its original."""
    return pair.family is Family.TWINS


def shown(contrasts: Sequence[Pair], results: Sequence[CellResult]) -> tuple[list[Pair], int]:
    """What a table in the terminal has room for, and how many pairs that leaves out.

    All of them, or when they are more than MOST_ROWS those of two services in the same setting, if there are any.
    """
    services = {one.cell.slug: one.cell.service for one in results}
    across = [one for one in contrasts if services[one.baseline] != services[one.candidate]]
    count, fewer = (len({(one.baseline, one.candidate) for one in rows}) for rows in (contrasts, across))
    return (list(contrasts), 0) if count <= MOST_ROWS or not across else (across, count - fewer)


def _pair(pair: CellPair, family: Family, confidence: float, first_stage: int | None) -> list[Pair]:
    baseline, candidate = pair
    remark = A_A if family is Family.TWINS else ""
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
                    family=family,
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


def rounds_needed(results: Sequence[CellResult], precision: float, first_stage: int, baseline: str = "") -> int | None:
    """How many rounds in all give every throughput ratio an interval of +- `precision`: decided by the first stage.

    The ratios are those of the family that is shown: those with `baseline`, or all if none of these can be compared.
    `results` are those of the first stage; later rounds' figures change nothing. None when no pair can be compared.
    """
    needed: list[int] = []
    for mine in _by_scenario(results):
        by_family = families.of_scenario(mine, baseline)
        known = (_needed(by_family[family], precision, first_stage) for family in (Family.BASELINE, Family.ALL))
        needed += next(filter(None, known), [])
    return max((first_stage, *needed)) if needed else None


def _needed(pairs: Sequence[CellPair], precision: float, first_stage: int) -> list[int]:
    """Of each pair that can be compared; every pair has its share of the 5%."""
    found = []
    for baseline, candidate in pairs:
        _, first = _ratios(baseline.total, candidate.total, "throughput_rps", first_stage)
        if first and len(first) >= 2 and baseline.verdict.ranks and candidate.verdict.ranks:
            logarithms = [math.log(ratio) for ratio in first]
            found.append(values_needed(logarithms, simultaneous(len(pairs)), math.log(1 + precision)))
    return found
