"""What a service said of itself: shares of its pool and of its threads."""

from bench.analysis.recorded.gauges import Gauge
from bench.measure.watch import probe
from suite import prometheus


def test_gauges_are_shares_of_what_the_service_may_have() -> None:
    """Of an answer of /metrics; what is not there is not known."""
    text = (
        "# HELP threads x\nthreads 40.0\nthreads_busy 10.0\n"
        'pool_connections 4.0\npool_connections_idle 1.0\na{b="c"} 1\n'
    )
    assert probe.gauge(prometheus.totals(text), 12, 5) == Gauge(5, 0.25, 0.25)
    assert probe.gauge(prometheus.totals("threads 40.0\nthreads_busy 0.0\n"), 10, 5) == Gauge(5, None, 0.0)
    assert probe.gauge({}, 10, 5) == Gauge(5, None, None)
