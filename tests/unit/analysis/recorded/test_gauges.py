"""What a service said of itself: shares of its pool and of its threads, and its garbage collections."""

import pytest

from bench.analysis.recorded import gauges
from bench.analysis.recorded.gauges import Collected, Gauge
from bench.measure.watch import probe
from suite import prometheus
from tests.unit.readings_of import WINDOW


def test_gauges_are_shares_of_what_the_service_may_have() -> None:
    """Of an answer of /metrics; what is not there is not known."""
    text = (
        "# HELP threads x\nthreads 40.0\nthreads_busy 10.0\n"
        'pool_connections 4.0\npool_connections_idle 1.0\na{b="c"} 1\n'
    )
    assert probe.gauge(prometheus.totals(text), 12, 5) == Gauge(5, 0.25, 0.25)
    assert probe.gauge(prometheus.totals("threads 40.0\nthreads_busy 0.0\n"), 10, 5) == Gauge(5, None, 0.0)
    assert probe.gauge({}, 10, 5) == Gauge(5, None, None)


def test_collections_are_read_beside_them() -> None:
    """Those of all workers together; from one that does not count them they are unknown."""
    text = (
        "gc_full_collections_total 7.0\ngc_seconds_total 1.5\ngc_longest_pause_seconds 0.25\n"
        'python_gc_collections_total{generation="2"} 9.0\n'
    )
    assert probe.gauge(prometheus.totals(text), 12, 5) == Gauge(5, None, None, 7.0, 1.5, 0.25)


def said(at_s: float, full: float | None, used_s: float | None, longest_s: float | None) -> Gauge:
    return Gauge(WINDOW.start_ns + round(at_s * 1e9), None, None, full, used_s, longest_s)


def test_collections_are_those_between_the_first_and_the_last_gauge_of_the_window() -> None:
    """What came before and after does not count, and the time is that between the two."""
    told = [
        said(-1, 100, 9.0, 0.9), said(1, 110, 10.0, 0.02), said(3, 115, 10.3, 0.06), said(6, 120, 10.5, 0.04),
        said(11, 900, 99.0, 9.9),
    ]  # fmt: skip
    assert gauges.collected(told, WINDOW, workers=1) == Collected(2.0, 0.1, 0.06)
    both = gauges.collected(told, WINDOW, workers=2)
    assert both == Collected(2.0, 0.05, 0.06)  # each worker has its own time


@pytest.mark.parametrize(
    "told",
    [
        [],
        [said(1, 110, 10.0, 0.02)],
        [said(-1, 100, 9.0, 0.9), said(1, 110, 10.0, 0.02), said(11, 120, 11.0, 0.02)],
        [said(1, None, None, None), said(3, 110, 10.0, 0.02), said(5, None, None, None)],
        [said(1, 110, 10.0, 0.02), said(3, 2, 0.1, 0.02)],
        [said(1, 110, 10.0, 0.02), said(1, 110, 10.0, 0.02)],
    ],
    ids=["none", "one", "one inside", "one known", "another process", "one moment"],
)
def test_what_two_gauges_do_not_show_is_unknown(told: list[Gauge]) -> None:
    """No figure is made up."""
    assert gauges.collected(told, WINDOW, workers=1) is None


def test_several_windows_count_by_their_length() -> None:
    """Where they are known; the longest collection is that of all."""
    known = [(10.0, Collected(1.0, 0.2, 0.05)), (30.0, Collected(2.0, 0.1, 0.07)), (99.0, None)]
    found = gauges.over(known)
    assert found is not None
    assert (found.full_per_s, found.share, found.longest_s) == pytest.approx((1.75, 0.125, 0.07))
    assert gauges.over([(10.0, None)]) is None
    assert gauges.over([]) is None
