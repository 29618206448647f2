"""What a run answers, in sentences: what is not ranked and why, what served most, and each pair that matters. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis import ceilings, pairs
from bench.analysis.analysis import Ranking
from bench.analysis.outcome import CellResult
from bench.analysis.pairing.families import Family
from bench.analysis.pairs import Conclusion, Pair
from bench.plan import metrics
from bench.plan.note import Kind, Note
from bench.report.formats import figure_of
from suite.catalogue import marked

NO_LATENCY = "too few requests for a median"
CPU = "service_cpu_ms_per_request"
VAGUE = 16.0
"""From this ratio of its ends on, an interval is not shown: the ratio may be four times as much, or a quarter."""


@dataclass(frozen=True)
class Contrast:
    """Two cells beside each other: `ratios` are candidate / baseline by metric, `main` is the metric that ranks."""

    candidate: str
    baseline: str
    main: str
    ratios: Mapping[str, Pair]

    @property
    def known(self) -> bool:
        """Whether the ratio of the metric that ranks is known."""
        return self.main in self.ratios and self.ratios[self.main].ratio is not None


@dataclass(frozen=True)
class Unranked:
    """Cells that are not ranked for the same reasons, and the verdict that they have."""

    slugs: tuple[str, ...]
    verdict: str
    reasons: tuple[Note, ...]

    @property
    def kind(self) -> Kind:
        """The kind of the notes on them."""
        return Kind(self.verdict)

    def __str__(self) -> str:
        several = len(self.slugs) > 1
        said = f"{', '.join(map(marked, self.slugs))} {'are' if several else 'is'} {self.verdict} and not ranked"
        more = len(self.reasons) - 1
        why = f": {self.reasons[0]}" if self.reasons else ""
        return f"{said}{why}{f' (and {more} more below)' if more > 0 else ''}."


@dataclass(frozen=True)
class ScenarioAnswer:
    """What one scenario's cells answer, in the order in which it is read."""

    scenario: str
    unranked: tuple[Unranked, ...]
    leader: str
    contrasts: tuple[Contrast, ...]
    knees: tuple[str, ...]
    framework: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """One of each pair, and what of the CPU time is FastAPI's own."""
        return (*map(sentence, self.contrasts), *filter(None, [self.framework]))

    def has_said(self, note: Note) -> bool:
        """Whether this reason is in it, so that it need not be said again below."""
        return any(note.about in one.slugs and note.text == str(one.reasons[0]) for one in self.unranked if one.reasons)


def of(found: Ranking) -> ScenarioAnswer:
    """Of one scenario."""
    knees = () if found.paced else tuple(f"{marked(one.name)}: {one.knee.why}." for one in found.curves if one.knee.why)
    return ScenarioAnswer(
        found.scenario,
        tuple(_unranked(found.others)),
        _leader(found),
        tuple(_contrasts(found)),
        knees,
        _framework(found),
    )


def _framework(found: Ranking) -> str:
    """What FastAPI itself takes, where it was measured for `async def` and for `def` endpoints, and what is left."""
    own_ms: dict[str, float] = {}
    left: list[str] = []
    bare = [one for one in found.landmarks if ceilings.is_without_database(one.cell)]
    for one in found.ranked:
        for landmark in bare:
            if not ceilings.has_load_of(landmark.cell, one.cell):
                continue
            alone_ms, all_ms = landmark.total.service_cpu_ms_per_request, one.total.service_cpu_ms_per_request
            if alone_ms and all_ms:
                own_ms[ceilings.mode(landmark.cell)] = alone_ms
                left.append(f"{marked(one.cell.slug)} {all_ms - alone_ms:.3f} ms")
    if len(own_ms) < 2:
        return ""
    return (
        f"Of the CPU time per request, FastAPI without a database takes {own_ms['async']:.3f} ms with async endpoints"
        f" and {own_ms['sync']:.3f} ms with def endpoints, which run on threads (one round: no interval). The rest is"
        f" {', '.join(left)}."
    )


def _unranked(others: Sequence[CellResult]) -> Iterator[Unranked]:
    """Those whose verdict does not rank, those with the same reasons together."""
    slugs_by_reasons: dict[tuple[str, tuple[Note, ...]], list[str]] = {}
    for one in others:
        if not one.verdict.ranks:
            slugs_by_reasons.setdefault((one.verdict.name, one.verdict.reasons), []).append(one.cell.slug)
    for (name, reasons), slugs in slugs_by_reasons.items():
        yield Unranked(tuple(slugs), name, reasons)


def _leader(found: Ranking) -> str:
    if not found.ranked:
        return "No cell is ranked, so there is no answer."
    best = found.ranked[0]
    said = _latency(best, found.latency) if found.paced else _throughput(best)
    return f"{said}, bound by {best.bound.by}." if best.bound.by else f"{said}."


def _throughput(one: CellResult) -> str:
    interval = one.total.throughput_interval
    least = "at least " if one.verdict.is_bound else ""
    known = (
        f" (95% interval {figure_of(interval[0])} to {figure_of(interval[1])})"
        if interval
        else " (one round: no interval)"
    )
    return f"{marked(one.cell.slug)} served most, {least}{figure_of(one.total.throughput_rps)} requests/s{known}"


def _latency(one: CellResult, metric: str) -> str:
    value: float | None = getattr(one.total, metric)
    if value is None:
        return f"{marked(one.cell.slug)}: {NO_LATENCY}"
    return f"{marked(one.cell.slug)} answered soonest, with a {metrics.named(metric).title} of {value:,.1f} ms"


def _contrasts(found: Ranking) -> Iterator[Contrast]:
    """Each cell with the plan's baseline; without one, the best cell with those that differ from it on one axis.

    Which cell is the best follows from the figures, so that these intervals have to hold for all pairs. Cells that are
    not ranked are named elsewhere.
    """
    ranked = {one.cell.slug for one in found.ranked}
    best = found.ranked[0].cell.slug if found.ranked else ""
    by_pair: dict[tuple[str, str], dict[str, Pair]] = {}
    for one in found.contrasts(found.shown):
        if pairs.is_twin(one) or not {one.baseline, one.candidate} <= ranked:
            continue
        if found.shown is Family.BASELINE:
            by_pair.setdefault((one.candidate, one.baseline), {})[one.metric] = one
        elif best in {one.baseline, one.candidate}:
            upright = turned(one, best)
            by_pair.setdefault((best, upright.baseline), {})[one.metric] = upright
    for (candidate, baseline), ratios in by_pair.items():
        yield Contrast(candidate, baseline, _main(found, ratios), ratios)


def _main(found: Ranking, ratios: Mapping[str, Pair]) -> str:
    if not found.paced:
        return "throughput_rps"
    p99 = ratios.get("latency_p99_ms")
    return "latency_p50_ms" if p99 is None or p99.ratio is None else "latency_p99_ms"


def turned(pair: Pair, candidate: str) -> Pair:
    """The same pair with `candidate` above the line of its ratio."""
    if pair.candidate == candidate:
        return pair
    ratio, low, high = (1 / value if value else None for value in (pair.ratio, pair.ci_high, pair.ci_low))
    other_way = {Conclusion.HIGHER: Conclusion.LOWER, Conclusion.LOWER: Conclusion.HIGHER}
    conclusion = other_way.get(pair.conclusion, pair.conclusion)
    return replace(
        pair, candidate=pair.baseline, baseline=pair.candidate, ratio=ratio, ci_low=low, ci_high=high,
        conclusion=conclusion,
    )  # fmt: skip


def sentence(one: Contrast) -> str:
    """By how much two cells differ, with the intervals."""
    main, candidate, baseline = one.ratios.get(one.main), marked(one.candidate), marked(one.baseline)
    if main is None or main.ratio is None:
        return f"{candidate} and {baseline} cannot be compared: {main.why if main else 'no figure of both'}."
    title, ratio = metrics.named(one.main).title, interval_of(main)
    if main.conclusion == Conclusion.NONE_SHOWN:
        said = f"{candidate} and {baseline}: no difference in {title} was shown, the ratio is {ratio}"
    elif one.main == "throughput_rps":
        said = f"{candidate} serves {ratio} times as many requests/s as {baseline}"
    else:
        said = f"{candidate} has {ratio} times the {title} of {baseline}"
    return f"{said}{_cpu(one.ratios.get(CPU))}."


def _cpu(pair: Pair | None) -> str:
    if pair is None or pair.ratio is None:
        return ""
    if pair.conclusion == Conclusion.NONE_SHOWN:
        return f"; no difference in CPU time per request was shown, the ratio is {interval_of(pair)}"
    return f"; it takes {interval_of(pair)} times the CPU time per request"


def interval_of(pair: Pair) -> str:
    """A pair's ratio with its interval in words."""
    if pair.ratio is None:
        return pair.conclusion
    if not pair.ci_low or not pair.ci_high:
        return f"{pair.ratio:.2f}"
    if is_vague(pair):
        return f"{pair.ratio:.2f}, from too few rounds for an interval"
    return f"{pair.ratio:.2f} ({pair.ci_low:.2f} to {pair.ci_high:.2f})"


def is_vague(pair: Pair) -> bool:
    """Whether its interval says next to nothing, as that of two rounds which differ."""
    return bool(pair.ci_low and pair.ci_high and pair.ci_high > VAGUE * pair.ci_low)
