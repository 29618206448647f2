"""Curves along an axis."""

from dataclasses import replace
from pathlib import Path

from bench.analysis import sweeps
from bench.report.html.charts import sweep
from bench.store import stored
from tests.unit.analysis.test_sweeps import of


def test_a_sweep_of_so_few_requests_that_no_latency_is_known_has_its_throughput(made_up_run: Path) -> None:
    """Not even the median; the other half of the chart is left out."""
    [curve] = sweeps.curves(stored.outcome(made_up_run).ordered())
    points = tuple(
        replace(one, operations=(replace(one.total, latency_p50_ms=None, latency_p99_ms=None),)) for one in curve.points
    )
    whole, half = sweep.chart([curve]).svg, sweep.chart([replace(curve, points=points)]).svg
    assert ("p50 latency, ms" in whole, "latency, ms" in half) == (True, False)  # one point has no p99
    assert "successes/s" in half


def test_a_curve_says_where_its_knee_is() -> None:
    """Or that it has too few values for one."""
    [curve] = sweeps.curves(of({1: 500, 10: 4000, 100: 4200, 1000: 4100}))
    chart = sweep.chart([curve])
    assert (chart.title, chart.description) == ("point_read along users", f"asyncpg_async: {curve.knee.why}.")
    [short] = sweeps.curves(of({1: 500, 10: 4000, 100: 4200}))
    assert sweep.chart([short]).description == "asyncpg_async: too few values."
