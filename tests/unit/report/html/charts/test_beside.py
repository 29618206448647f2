"""Two cells beside each other, a line a metric."""

from bench.analysis import analysis
from bench.report import answer, beside
from bench.report.html.charts import beside as chart_beside
from tests.unit.analysis.outcome_of import outcome
from tests.unit.report.outline import Outline


def test_metrics_with_a_ratio_have_a_line() -> None:
    """What has none is said in words only."""
    [found] = analysis.of(outcome()).rankings
    [contrast] = answer.of(found).contrasts
    chart = chart_beside.chart(found.scenario, contrast, beside.of(found, contrast))
    assert chart.title == "point_read: asyncpg_async, times psycopg2_sync"
    assert chart.description.startswith("Ratios: requests/s 2.00 (2.00 to 2.00); p50 1.00 (1.00 to 1.00); p99")
    text = Outline(chart.svg).text
    assert [
        one for one in ("requests/s", "p50", "CPU per request", "times the figure of psycopg2_sync") if one not in text
    ] == []
    assert "failures" not in text
