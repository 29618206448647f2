"""Two cells beside each other: how many times as much, a line a metric."""

from collections.abc import Sequence

from bench.report.answer import Contrast, interval_of
from bench.report.beside import BesideLine
from bench.report.html.charts import intervals
from bench.report.html.charts.figure import Chart
from bench.report.html.charts.intervals import RatioLine
from suite.catalogue import marked


def chart(scenario: str, contrast: Contrast, lines: Sequence[BesideLine]) -> Chart:
    """The metrics whose ratio is known."""
    known = [(one.title, one.pair) for one in lines if one.pair and one.pair.ratio is not None]
    words = "; ".join(f"{title} {interval_of(pair)}" for title, pair in known)
    drawn = [RatioLine(title, pair.ratio, pair.ci_low, pair.ci_high) for title, pair in known]
    title = f"{scenario}: {marked(contrast.candidate)}, times {marked(contrast.baseline)}"
    return intervals.chart(title, f"Ratios: {words}.", drawn, f"times the figure of {marked(contrast.baseline)}")
