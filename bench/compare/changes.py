"""The cells of two runs against each other: the ratio of each figure, its interval, and what that shows. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.analysis.intervals import welch_interval
from bench.analysis.pairing.families import CONFIDENCE
from bench.analysis.pairs import Conclusion
from bench.analysis.summary import SAMPLES_BEYOND
from bench.analysis.verdict import Judgement
from bench.compare import net
from bench.compare.cells import IDENTITY, OperationFigures, other_load
from bench.compare.net import CellRounds, Factor
from bench.plan import metrics
from bench.plan.metrics import Metric, Place

FAILURES = "failure_ratio"
# Failures come last: they are seldom what changed, and then the verdict has said so.
METRICS = tuple(sorted(metrics.in_(Place.COMPARE), key=lambda metric: metric.name == FAILURES))
COLUMNS = (
    *IDENTITY[:1], "operation", *IDENTITY[1:], "metric", "rounds_old", "rounds_new", "old", "new", "ratio",
    "ci_low", "ci_high", "shared_ratio", "net_ratio", "net_ci_low", "net_ci_high", "conclusion", "why",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A row of compare.csv: `ratio` is new / old, with its simultaneous interval. An open end is None.

    `shared_ratio` is what all cells changed by, and `net_ratio` what this one changed by beside them. They are None
    where fewer than three services can say it, and of metrics that a machine's speed does not move. `unranked`: the
    verdict that keeps the cell from being compared, and in which run it has it.
    """

    identity: tuple[str, ...]
    operation: str
    metric: str
    rounds: tuple[int, int]
    old: float | None
    new: float | None
    ratio: float | None
    ci_low: float | None
    ci_high: float | None
    conclusion: Conclusion
    why: str
    shared_ratio: float | None = None
    net_ratio: float | None = None
    net_ci_low: float | None = None
    net_ci_high: float | None = None
    unranked: str = ""

    @property
    def judged(self) -> tuple[float | None, float | None, float | None]:
        """The ratio that the conclusion is about, with its interval: net where it is known."""
        if self.net_ratio is None:
            return self.ratio, self.ci_low, self.ci_high
        return self.net_ratio, self.net_ci_low, self.net_ci_high

    def row(self) -> dict[str, object]:
        """By column of COLUMNS."""
        own = {name: value for name, value in vars(self).items() if name not in {"identity", "rounds", "unranked"}}
        rounds = dict(zip(("rounds_old", "rounds_new"), self.rounds, strict=True))
        return dict(zip(IDENTITY, self.identity, strict=True)) | rounds | own


@dataclass(frozen=True)
class SharedChange:
    """What `cells` cells changed by together, in one metric of one operation."""

    operation: str
    metric: str
    cells: int
    factor: Factor


Pair = tuple[OperationFigures, OperationFigures]


@dataclass(frozen=True)
class _Company:
    """The cells of one operation and metric: how many have an interval, the rounds of those that share, and what."""

    comparable: int
    rounds: dict[tuple[str, ...], CellRounds]
    factor: Factor | None


def compare(old: Sequence[OperationFigures], new: Sequence[OperationFigures]) -> tuple[Change, ...]:
    """Every cell and operation that both runs have, metric by metric, in the order of the new run.

    The intervals of one operation's metric hold for all cells together: with k of them, each has 1 - 0.05 / k.
    """
    pairs = _pairs(old, new)
    companies = _companies(pairs)
    changes = (_change(pair, metric, companies[pair[1].operation, metric.name]) for pair in pairs for metric in METRICS)
    return tuple(change for change in changes if change is not None)


def shared(old: Sequence[OperationFigures], new: Sequence[OperationFigures]) -> tuple[SharedChange, ...]:
    """What all cells changed by together, for each operation and metric of which three services or more can say it."""
    return tuple(
        SharedChange(operation, metric, len(company.rounds), company.factor)
        for (operation, metric), company in _companies(_pairs(old, new)).items()
        if company.factor
    )


def _pairs(old: Sequence[OperationFigures], new: Sequence[OperationFigures]) -> list[Pair]:
    before = {(one.identity, one.operation): one for one in old}
    return [(before[one.identity, one.operation], one) for one in new if (one.identity, one.operation) in before]


def _companies(pairs: Sequence[Pair]) -> dict[tuple[str, str], _Company]:
    operations = dict.fromkeys(one.operation for _, one in pairs)
    return {
        (operation, metric.name): _company([pair for pair in pairs if pair[1].operation == operation], metric)
        for operation in operations
        for metric in METRICS
    }


def _company(pairs: Sequence[Pair], metric: Metric) -> _Company:
    """A FLOOR cell's bound shows no change that others could share."""
    comparable = [pair for pair in pairs if not _obstacle(*pair, metric.name)]
    sharing = [pair for pair in comparable if net.moves_with_speed(metric) and not (metric.is_bound and _floors(pair))]
    rounds = {pair[1].identity: _rounds(pair, metric.name) for pair in sharing}
    return _Company(len(comparable), rounds, net.shared(list(rounds.values()), CONFIDENCE))


def _rounds(pair: Pair, metric: str) -> CellRounds:
    old, new = pair
    return CellRounds(new.service, old.by_round(metric), new.by_round(metric), (old.first_stage, new.first_stage))


def _floors(pair: Pair) -> list[str]:
    return [name for name, one in zip(("old", "new"), pair, strict=True) if one.verdict == Judgement.FLOOR]


def _change(pair: Pair, metric: Metric, company: _Company) -> Change | None:
    """None where there is nothing to say: neither run knows the metric, or no request failed in either."""
    old, new = pair
    before, after = _known(old, metric.name), _known(new, metric.name)
    means = [old.whole.get(metric.name), new.whole.get(metric.name)]
    if before and after:  # else a round lacks the figure, or there are none: both are from the whole run
        means = [_mean(before), _mean(after)]
    if means == [None, None] or (metric.name == FAILURES and not any(means)):
        return None
    obstacle = _obstacle(old, new, metric.name)
    ratio = means[1] / means[0] if means[0] and means[1] is not None else None
    found = Change(
        identity=new.identity,
        operation=new.operation,
        metric=metric.name,
        rounds=(old.round_count, new.round_count),
        old=means[0],
        new=means[1],
        ratio=None if _unranked(old, new) else ratio,
        ci_low=None,
        ci_high=None,
        conclusion=Conclusion.NOT_COMPARABLE,
        why=obstacle,
        unranked=_unranked(old, new),
    )
    if obstacle:
        return found
    confidence = 1 - (1 - CONFIDENCE) / company.comparable
    first = old.first_stage, new.first_stage
    low, high, conclusion, why = _concluded(pair, metric, welch_interval(before, after, confidence, first))
    found = replace(found, ci_low=low, ci_high=high, conclusion=conclusion, why=why)
    beside = net.net(_rounds(pair, metric.name), list(company.rounds.values()), confidence)
    if company.factor is None or beside is None:
        return found
    low, high, conclusion, why = _concluded(pair, metric, (beside.low, beside.high))
    return replace(
        found,
        shared_ratio=company.factor.ratio,
        net_ratio=beside.ratio,
        net_ci_low=low,
        net_ci_high=high,
        conclusion=conclusion,
        why=why,
    )


def _known(one: OperationFigures, metric: str) -> list[float]:
    """Of every round, or none: leaving out the rounds that lack a figure would favour the others."""
    values = one.rounds.get(metric, ())
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def _mean(values: Sequence[float]) -> float:
    if min(values) > 0:
        return math.exp(math.fsum(map(math.log, values)) / len(values))
    return math.fsum(values) / len(values)


def _unranked(old: OperationFigures, new: OperationFigures) -> str:
    """In words, which of the two may not be compared, and why; empty where both may."""
    found = {
        verdict: " and ".join(name for name, one in (("old", old), ("new", new)) if one.verdict == verdict)
        for verdict in (Judgement.INVALID, Judgement.UNJUDGED)
    }
    return "; ".join(f"{verdict}: {names}" for verdict, names in found.items() if names)


def _obstacle(old: OperationFigures, new: OperationFigures, metric: str) -> str:
    """In words, why a metric has no interval; empty where it has one."""
    if unranked := _unranked(old, new):
        return unranked
    if other_load(old, new):
        return f"offered {old.offered_rps:g} and {new.offered_rps:g} requests/s: another load"
    for name, one in (("old", old), ("new", new)):
        if not one.rounds:
            return f"no samples of the {name} run: no interval"
        values = one.rounds.get(metric, ())
        known = [value is not None for value in values]
        if not all(known) or not values:
            which = f"round {known.index(False) + 1} of " if any(known) else ""
            why = f": under {SAMPLES_BEYOND} samples beyond it" if metric.startswith("latency_p") else ""
            return f"unknown in {which}the {name} run{why}"
    few = [name for name, one in (("old", old), ("new", new)) if len(one.rounds[metric][: one.first_stage]) < 2]
    if few:
        return f"no interval: one round ({' and '.join(few)})"
    zero = [name for name, one in (("old", old), ("new", new)) if min(_known(one, metric)) <= 0]
    return f"no interval: 0 in a round ({' and '.join(zero)})" if zero else ""


def _concluded(
    pair: Pair, metric: Metric, interval: tuple[float, float] | None
) -> tuple[float | None, float | None, Conclusion, str]:
    """The interval, with the ends open that a fuller load could move; what it shows, and why that is not all."""
    low, high = interval or (None, None)
    names, why = _floors(pair), ""
    if names and metric.is_bound:
        low_is_open, high_is_open = metric.open_ends(candidate="new" in names, baseline="old" in names)
        low, high = None if low_is_open else low, None if high_is_open else high
        why = f"FLOOR, only a bound is known: {' and '.join(names)}"
    if low is not None and low > 1:
        return low, high, Conclusion.HIGHER, why
    if high is not None and high < 1:
        return low, high, Conclusion.LOWER, why
    return low, high, Conclusion.NOT_COMPARABLE if why else Conclusion.NONE_SHOWN, why
