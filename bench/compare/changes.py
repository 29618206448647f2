"""The cells of two runs against each other: the ratio of each figure, its interval, and what that shows. Pure."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.intervals import welch_interval
from bench.analysis.pairing.families import CONFIDENCE
from bench.analysis.pairs import Conclusion
from bench.analysis.summary import SAMPLES_BEYOND
from bench.analysis.verdict import Judgement
from bench.plan import metrics
from bench.plan.metrics import Better, Metric, Place

# What makes a cell of one run and a cell of another the same, as summary.csv has it.
IDENTITY = (
    "scenario", "service", "profile", "server", "workers", "pool_size", "parameters", "arrival", "users",
)  # fmt: skip
FAILURES = "failure_ratio"
# Failures come last: they are seldom what changed, and then the verdict has said so.
METRICS = tuple(sorted(metrics.in_(Place.COMPARE), key=lambda metric: metric.name == FAILURES))
COLUMNS = (
    *IDENTITY[:1], "operation", *IDENTITY[1:], "metric", "rounds_old", "rounds_new", "old", "new", "ratio",
    "ci_low", "ci_high", "conclusion", "why",
)  # fmt: skip
# Arrivals at rates further apart than this are another load.
SAME_RATE = 0.02


@dataclass(frozen=True)
class OperationFigures:
    """One operation of one cell of one run.

    `rounds` has each metric in each round, None where it is not known; it is empty where only `whole`, the figures of
    all rounds together, could be read. `first_stage`: the rounds whose spread decided how many there are.
    """

    identity: tuple[str, ...]
    operation: str
    verdict: str
    whole: Mapping[str, float | None]
    rounds: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    round_count: int = 0
    offered_rps: float | None = None
    first_stage: int | None = None
    requests: int | None = None
    failures: int | None = None


@dataclass(frozen=True)
class Change:
    """A row of compare.csv: `ratio` is new / old, with its simultaneous interval. An open end is None."""

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

    def row(self) -> dict[str, object]:
        """By column of COLUMNS."""
        own = {name: value for name, value in vars(self).items() if name not in {"identity", "rounds"}}
        rounds = dict(zip(("rounds_old", "rounds_new"), self.rounds, strict=True))
        return dict(zip(IDENTITY, self.identity, strict=True)) | rounds | own


def compare(old: Sequence[OperationFigures], new: Sequence[OperationFigures]) -> tuple[Change, ...]:
    """Every cell and operation that both runs have, metric by metric, in the order of the new run.

    The intervals of one operation's metric hold for all cells together: with k of them, each has 1 - 0.05 / k.
    """
    before = {(one.identity, one.operation): one for one in old}
    pairs = [(before[one.identity, one.operation], one) for one in new if (one.identity, one.operation) in before]
    together = Counter(
        (other.operation, metric)
        for one, other in pairs
        for metric in METRICS
        if not _obstacle(one, other, metric.name)
    )
    changes = (
        _change(one, other, metric, 1 - (1 - CONFIDENCE) / max(1, together[other.operation, metric]))
        for one, other in pairs
        for metric in METRICS
    )
    return tuple(change for change in changes if change is not None)


def only(
    old: Sequence[OperationFigures], new: Sequence[OperationFigures]
) -> tuple[list[OperationFigures], list[OperationFigures]]:
    """The cells that only the old run has, and those that only the new one has."""
    return _without(old, new), _without(new, old)


def _without(some: Sequence[OperationFigures], others: Sequence[OperationFigures]) -> list[OperationFigures]:
    known = {one.identity for one in others}
    return [one for one in some if one.operation == "all" and one.identity not in known]


def _change(old: OperationFigures, new: OperationFigures, metric: Metric, confidence: float) -> Change | None:
    """None where there is nothing to say: neither run knows the metric, or no request failed in either."""
    before, after = _known(old, metric.name), _known(new, metric.name)
    means = [old.whole.get(metric.name), new.whole.get(metric.name)]
    if before and after:  # else a round lacks the figure, or there are none: both are from the whole run
        means = [_mean(before), _mean(after)]
    if means == [None, None] or (metric.name == FAILURES and not any(means)):
        return None
    obstacle = _obstacle(old, new, metric.name)
    ratio = means[1] / means[0] if means[0] and means[1] is not None else None
    first = old.first_stage, new.first_stage
    low, high = (None, None) if obstacle else welch_interval(before, after, confidence, first) or (None, None)
    low, high, conclusion, why = _concluded(old, new, metric, low, high)
    return Change(
        identity=new.identity,
        operation=new.operation,
        metric=metric.name,
        rounds=(old.round_count, new.round_count),
        old=means[0],
        new=means[1],
        ratio=None if _unranked(old, new) else ratio,
        ci_low=low,
        ci_high=high,
        conclusion=Conclusion.NOT_COMPARABLE if obstacle else conclusion,
        why=obstacle or why,
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


def other_load(old: OperationFigures, new: OperationFigures) -> bool:
    """Whether arrivals were offered at rates too far apart to be the same load."""
    rates = (old.offered_rps, new.offered_rps)
    return None not in rates and abs((rates[1] or 0) / (rates[0] or 1) - 1) > SAME_RATE


def _concluded(
    old: OperationFigures, new: OperationFigures, metric: Metric, low: float | None, high: float | None
) -> tuple[float | None, float | None, Conclusion, str]:
    """The interval, with the ends open that a fuller load could move; what it shows, and why that is not all."""
    names = [name for name, one in (("old", old), ("new", new)) if one.verdict == Judgement.FLOOR]
    why = ""
    if names and metric.is_bound:
        low_is_open, high_is_open = metric.open_ends(candidate="new" in names, baseline="old" in names)
        low, high = None if low_is_open else low, None if high_is_open else high
        why = f"FLOOR, only a bound is known: {' and '.join(names)}"
    if low is not None and low > 1:
        return low, high, Conclusion.HIGHER, why
    if high is not None and high < 1:
        return low, high, Conclusion.LOWER, why
    return low, high, Conclusion.NOT_COMPARABLE if why else Conclusion.NONE_SHOWN, why


def regressed(changes: Sequence[Change], limit: float) -> list[Change]:
    """Whole cells' changes for the worse whose interval lies wholly beyond `limit`, a share; at the limit is within."""
    return [one for one in changes if one.operation == "all" and _is_beyond(one, limit)]


def _is_beyond(change: Change, limit: float) -> bool:
    if change.conclusion == Conclusion.NOT_COMPARABLE:
        return False
    if metrics.named(change.metric).better is Better.HIGH:
        return change.ci_high is not None and change.ci_high < 1 - limit
    return change.ci_low is not None and change.ci_low > 1 + limit


def named(cells: Iterable[tuple[str, ...]]) -> Callable[[tuple[str, ...]], str]:
    """How to name each cell: its service, and its values on the axes on which these cells differ."""
    axes = {identity: _axes(identity) for identity in cells}
    names = dict.fromkeys(name for one in axes.values() for name in one)
    varying = [name for name in names if len({one.get(name) for one in axes.values()}) > 1]

    def name_of(identity: tuple[str, ...]) -> str:
        own = _axes(identity)
        return ", ".join([identity[1], *(f"{name} {own[name]}" for name in varying if own.get(name))])

    return name_of


def _axes(identity: tuple[str, ...]) -> dict[str, str]:
    own = dict(zip(IDENTITY, identity, strict=True))
    parameters = [part.partition("=") for part in own.pop("parameters").split(";") if part]
    own |= {name: value for name, _, value in parameters}
    return {name: value for name, value in own.items() if name != "service"}
