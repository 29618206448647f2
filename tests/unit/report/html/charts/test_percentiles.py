"""Latency by percentile."""

import numpy as np

from bench.report.html.charts import percentiles


def test_a_percentile_curve_is_by_nearest_rank_and_ends_where_too_few_lie_beyond() -> None:
    """Of 1..1000 ms with 100 beyond: from the smallest to the 90th percentile."""
    found = percentiles.curve(np.arange(1.0, 1001.0), 100)
    assert found is not None
    beyond, latency_ms = found
    assert (beyond[0], round(beyond[-1], 9), latency_ms[0], latency_ms[-1]) == (1.0, 10.0, 1.0, 900.0)
    assert percentiles.curve(np.arange(100.0), 100) is None


def test_curves_that_are_too_many_for_one_chart_have_several() -> None:
    """In their order, each with where its curves end."""
    curves = {f"cell {number}": (np.array([1.0, 10.0]), np.array([1.0, 1000.0 + number])) for number in range(9)}
    first, second = percentiles.charts("point_read", curves)
    assert {first.title, second.title} == {"Latency by percentile: point_read"}
    assert first.description.count(" ends at ") == percentiles.MOST_IN_ONE
    assert second.description == "Each curve ends where fewer than 100 requests are slower: cell 8 ends at 1,008.0 ms."
    assert ("90%" in second.svg, "99%" in second.svg) == (True, False)
    assert percentiles.charts("point_read", {}) == []
