"""How many times as much: the ratio of each pair that matters with its interval, a line a pair."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.plan import metrics
from bench.report.answer import CPU, Contrast, ScenarioAnswer, interval_of
from bench.report.html.charts import intervals
from bench.report.html.charts.figure import COLOURS, Chart, drawn
from bench.report.html.charts.intervals import RatioLine
from suite.catalogue import marked


def chart(one: ScenarioAnswer) -> Chart | None:
    """The metric that ranks, and beside it CPU time per request; None where no ratio is known."""
    known = [pair for pair in one.contrasts if pair.known]
    if not known:
        return None
    shown = [known[0].main, *[CPU] * any(CPU in pair.ratios and pair.ratios[CPU].ratio for pair in known)]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for number, (axes, metric) in enumerate(zip(panels, shown, strict=True)):
            lines = [_line(pair, metric) for pair in known]
            intervals.panel(axes, lines, f"times the {metrics.named(metric).title}", COLOURS[number])
        intervals.name_lines(panels[0], _names(known))

    words = "; ".join(f"{marked(pair.candidate)} {interval_of(pair.ratios[pair.main])}" for pair in known)
    said = f"Ratios of {metrics.named(shown[0]).title}: {words}."
    return drawn(title(one, known), said, intervals.height_in(len(known)), draw)


def title(one: ScenarioAnswer, known: Sequence[Contrast]) -> str:
    """What is above the line, or below it, of every ratio."""
    if len({pair.baseline for pair in known}) == 1:
        return f"{one.scenario}: times {marked(known[0].baseline)}"
    return f"{one.scenario}: {marked(known[0].candidate)}, times each other cell"


def _names(known: Sequence[Contrast]) -> list[str]:
    """Of the cells that change from line to line."""
    fixed = len({pair.baseline for pair in known}) == 1
    return [marked(pair.candidate) if fixed else f"of {marked(pair.baseline)}" for pair in known]


def _line(contrast: Contrast, metric: str) -> RatioLine:
    pair = contrast.ratios.get(metric)
    return RatioLine("", pair.ratio, pair.ci_low, pair.ci_high) if pair else RatioLine("", None)
