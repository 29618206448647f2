"""Two cells beside each other: for each metric both figures, their ratio with its interval, in one sentence. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.analysis import Ranking
from bench.analysis.outcome import CellResult
from bench.analysis.pairs import Conclusion, Pair
from bench.plan import metrics
from bench.plan.metrics import Metric, Place
from bench.report.answer import Contrast, interval_of
from bench.report.formats import figure_of

COUNTED = ("round_trips_per_request", "statements_per_request", "failures")
"""What has no interval: counted when the services were verified, or over all rounds."""


@dataclass(frozen=True)
class BesideLine:
    """One metric of two cells. `pair` is None where nothing but the two figures is known."""

    title: str
    sentence: str
    pair: Pair | None = None


def of(found: Ranking, contrast: Contrast) -> tuple[BesideLine, ...]:
    """Throughput, latency, CPU time and memory, then what is counted; without what neither cell knows."""
    cells = {one.cell.slug: one for one in found.results}
    return tuple(_lines(cells[contrast.candidate], cells[contrast.baseline], contrast))


def _lines(candidate: CellResult, baseline: CellResult, contrast: Contrast) -> Iterator[BesideLine]:
    for metric in (*metrics.in_(Place.COMPARISON), *map(metrics.named, COUNTED)):
        figures = [getattr(one.total, metric.name) for one in (candidate, baseline)]
        if figures == [None, None]:
            continue
        pair = contrast.ratios.get(metric.name)
        said = " and ".join(_figure(metric, value) for value in figures)
        yield BesideLine(metric.title, f"{_title(metric)}: {said}{_ratio(pair)}.", pair)


def _title(metric: Metric) -> str:
    return (
        f"{metric.title} per request"
        if metric.name.endswith("_per_request") and "per" not in metric.title
        else metric.title
    )


def _figure(metric: Metric, value: float | None) -> str:
    if value is None:
        return "unknown"
    unit = metric.unit if metric.unit in {"ms", "MB"} else ""
    return f"{figure_of(value)} {unit}".strip()


def _ratio(pair: Pair | None) -> str:
    if pair is None or pair.ratio is None:
        return f"; {pair.why}" if pair and pair.why else ""
    none_shown = f": {pair.conclusion}" if pair.conclusion == Conclusion.NONE_SHOWN else ""
    return f", {interval_of(pair)} times{none_shown}"
