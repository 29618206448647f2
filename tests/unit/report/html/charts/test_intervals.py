"""Ratios with their intervals on one axis."""

from bench.report.html.charts import intervals
from bench.report.html.charts.intervals import RatioLine
from tests.unit.report.outline import Outline


def test_each_line_has_its_name_and_its_ratio() -> None:
    """One whose ratio is not known keeps its place, and one whose interval is not known has none."""
    lines = [RatioLine("requests/s", 1.25, 1.2, 1.3), RatioLine("p99", None), RatioLine("memory", 0.9)]
    chart = intervals.chart("a title", "a description", lines, "times the old figure")
    assert (chart.title, chart.description) == ("a title", "a description")
    text = Outline(chart.svg).text
    assert [
        one for one in ("requests/s", "p99", "memory", "1.25", "0.90", "times the old figure") if one not in text
    ] == []


def test_ratios_far_apart_are_drawn_on_a_logarithmic_axis() -> None:
    """So that a tenth is as far from 1 as ten times."""
    near, far = (Outline(intervals.chart("t", "d", [RatioLine("x", ratio)], "times").svg).text for ratio in (1.5, 20.0))
    assert "10" in far.split()
    assert "10" not in near.split()
