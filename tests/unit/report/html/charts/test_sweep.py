"""Curves along an axis."""

from dataclasses import replace
from pathlib import Path

from bench.analysis import sweeps
from bench.report.html.charts import sweep
from bench.store import stored


def test_a_sweep_of_so_few_requests_that_no_latency_is_known_has_its_throughput(made_up_run: Path) -> None:
    """Not even the median; the other half of the chart is left out."""
    [curve] = sweeps.curves(stored.outcome(made_up_run).ordered())
    points = tuple(
        replace(one, operations=(replace(one.total, latency_p50_ms=None, latency_p99_ms=None),)) for one in curve.points
    )
    whole, half = sweep.chart([curve]).svg, sweep.chart([replace(curve, points=points)]).svg
    assert ("p99 latency" in whole, "p99 latency" in half) == (True, False)
    assert "successes/s" in half
