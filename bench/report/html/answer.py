"""What a run answers, in sentences. Pure."""

from collections.abc import Sequence

from bench.analysis.analysis import Ranking
from bench.analysis.outcome import CellResult
from bench.analysis.pairing import families
from bench.analysis.pairing.families import Family
from bench.analysis.pairs import Conclusion, Pair
from bench.plan import metrics
from bench.report.formats import figure_of

NO_LATENCY = "too few requests for a median"


def sentences(rankings: Sequence[Ranking]) -> list[str]:
    """One of each scenario."""
    return [_of(one) for one in rankings]


def _of(found: Ranking) -> str:
    scenario, best_first, paced = found.scenario, found.ranked, found.paced
    if not best_first:
        return f"{scenario}: no cell is ranked, so there is no answer; the verdicts below say why."
    best = best_first[0]
    said = f"{scenario}: {_latency(best) if paced else _throughput(best)}"
    if best.bound.by:
        said += f", bound by {best.bound.by}"
    second = next((one for one in best_first[1:] if families.axes_apart(best.cell, one.cell) == 1), None)
    if second is not None:
        metric = "latency_p99_ms" if paced and best.total.latency_p99_ms else "throughput_rps"
        metric = "latency_p50_ms" if paced and metric == "throughput_rps" else metric
        # Which two cells these are follows from the figures, so that the interval has to hold for all pairs.
        said += _beside(best, second, metric, found.contrasts(Family.ALL))
    knees = [f"{curve.name}: {curve.knee.why}" for curve in found.curves if curve.knee.why and not paced]
    return ". ".join([said, *knees]) + "."


def _throughput(one: CellResult) -> str:
    interval = one.total.throughput_interval
    least = "at least " if one.verdict.is_bound else ""
    known = (
        f" (95% interval {figure_of(interval[0])} to {figure_of(interval[1])})"
        if interval
        else " (one round: no interval)"
    )
    return f"{one.cell.slug} served most, {least}{figure_of(one.total.throughput_rps)} requests/s{known}"


def _latency(one: CellResult) -> str:
    total = one.total
    name, value = ("p99", total.latency_p99_ms) if total.latency_p99_ms else ("p50", total.latency_p50_ms)
    if value is None:
        return f"{one.cell.slug}: {NO_LATENCY}"
    return f"{one.cell.slug} answered soonest, with a {name} of {value:,.1f} ms"


def _beside(best: CellResult, second: CellResult, metric: str, contrasts: Sequence[Pair]) -> str:
    """The ratio to the next cell, where the run has one."""
    slugs = {best.cell.slug, second.cell.slug}
    found = [one for one in contrasts if one.metric == metric and {one.baseline, one.candidate} == slugs]
    if not found:
        return ""
    [pair] = found
    if pair.ratio is None or not pair.ci_low or not pair.ci_high:
        return f"; {second.cell.slug} came next ({pair.why or pair.conclusion})"
    if pair.conclusion == Conclusion.NONE_SHOWN:
        return f"; no difference shown from {second.cell.slug} (ratio {interval_of(pair, best.cell.slug)})"
    return (
        f"; {interval_of(pair, best.cell.slug)} times the {metrics.named(metric).title} of {second.cell.slug}, the next"
    )


def interval_of(pair: Pair, candidate: str) -> str:
    """A pair's ratio with its interval in words, turned so that `candidate` is above the line."""
    if pair.ratio is None:
        return pair.conclusion
    if pair.candidate != candidate:
        low, high = (1 / pair.ci_high if pair.ci_high else None), (1 / pair.ci_low if pair.ci_low else None)
        return _ratio(1 / pair.ratio, low, high)
    return _ratio(pair.ratio, pair.ci_low, pair.ci_high)


def _ratio(ratio: float, low: float | None, high: float | None) -> str:
    if not low or not high:
        return f"{ratio:.2f}"
    return f"{ratio:.2f} ({low:.2f} to {'over 1000' if high > 1000 else f'{high:.2f}'})"
