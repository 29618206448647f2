"""Reads a service's /metrics once a second while it is measured: its pool and its threads."""

import time
from collections.abc import Mapping

import httpx

from bench.analysis.recorded.gauges import Gauge
from bench.measure.watch.poller import Poller
from suite import prometheus

EVERY_S = 1.0
TIMEOUT_S = 30.0  # a busy service answers late


class Probe(Poller):
    """Reads until the end of the block. An answer counts for the moment when it arrived."""

    def __init__(self, url: str, pool_limit: int) -> None:
        """Prepare. `pool_limit` is the most connections that all workers of the service may hold."""
        super().__init__()
        self._url, self._pool_limit = f"{url}/metrics", pool_limit
        self.gauges: list[Gauge] = []

    def _poll(self) -> None:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            while not self._ended.wait(EVERY_S):
                try:
                    text = client.get(self._url).text
                    at_ns = time.perf_counter_ns()
                    found = prometheus.totals(text)
                except (httpx.HTTPError, ValueError):  # a busy service may answer with an error's body
                    continue
                self.gauges.append(gauge(found, self._pool_limit, at_ns))


def gauge(metrics: Mapping[str, float], pool_limit: int, at_ns: int) -> Gauge:
    """The shares of the pool and of the threads that were in use, and collections. None for what it does not have."""
    pool = threads = None
    if "pool_connections" in metrics and pool_limit:
        pool = (metrics["pool_connections"] - metrics.get("pool_connections_idle", 0.0)) / pool_limit
    if metrics.get("threads"):
        threads = metrics.get("threads_busy", 0.0) / metrics["threads"]
    figures = (
        metrics.get(name) for name in ("gc_full_collections_total", "gc_seconds_total", "gc_longest_pause_seconds")
    )
    return Gauge(at_ns, pool, threads, *figures)
