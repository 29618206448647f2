"""The figures of GET /metrics: users created, pool, threads, CPU time, memory, collections, of all workers together.

Several workers share a folder, PROMETHEUS_MULTIPROC_DIR, where prometheus-client keeps the figures of each, so any
worker can answer for all. Figures that must be read, such as the number of free connections, are written there by each
worker twice a second, and by the worker that answers at that moment. A single worker needs no folder, and imports
nothing that only several need.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from anyio.to_thread import current_default_thread_limiter
from fastapi import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from services.collection import COLLECTIONS
from services.settings import Settings

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # prometheus-client reads it, too, when it is imported
REFRESH_EVERY_S = 0.5

Figures = dict[Gauge, Callable[[], float]]
Totals = dict[Counter, Callable[[], float]]

disable_created_metrics()  # type: ignore[no-untyped-call]  # older servers treat them as gauges
USERS_CREATED = Counter("users_created", "Users that this service created.")


def watch(
    settings: Settings,
    pool_connections: Callable[[], int] | None = None,
    pool_idle: Callable[[], int] | None = None,
) -> None:
    """Begin to report this worker, and its pool if it has one. Call this once, when the application has started.

    With the setting GC=freeze, what exists by now is left out of all garbage collections. With LOOP_LAG_FILE, the event
    loop's lag is sampled from now on.
    """
    limiter = current_default_thread_limiter()
    figures: Figures = {
        _gauge("workers", "Worker processes whose figures are summed here."): lambda: 1,
        _gauge("threads", "Threads that `def` endpoints may use."): lambda: limiter.total_tokens,
        _gauge("threads_busy", "Threads that work or wait for a connection."): lambda: limiter.borrowed_tokens,
        _gauge("gc_longest_pause_seconds", "Longest of the latest garbage collections.", "livemax"): (
            COLLECTIONS.longest_s
        ),
    }
    if pool_connections and pool_idle:
        figures[_gauge("pool_connections", "Connections that the pool holds.")] = pool_connections
        figures[_gauge("pool_connections_idle", "Connections waiting in the pool.")] = pool_idle
    totals: Totals = {
        _counter("gc_full_collections", "Garbage collections of all generations."): lambda: COLLECTIONS.full,
        _counter("gc_seconds", "CPU time spent in garbage collections."): lambda: COLLECTIONS.seconds,
    }
    if FOLDER is None:
        for gauge, figure in figures.items():
            gauge.set_function(figure)
        WORKER.begin({}, totals)
    else:
        import psutil  # noqa: PLC0415  # see above

        memory = psutil.Process().memory_info
        figures[_gauge("process_resident_memory_bytes", "Resident memory size in bytes.")] = lambda: memory().rss
        # The same name as in prometheus-client's own collector, which sees only one process.
        totals[_counter("process_cpu_seconds", "Total user and system CPU time spent in seconds.")] = time.process_time
        WORKER.begin(figures, totals)
        WORKER.refresh_regularly()
    if settings.loop_lag_file:
        from services.loop_lag import LoopTimer  # noqa: PLC0415  # nothing of it is there where it is not asked for

        LoopTimer(Path(settings.loop_lag_file))
    COLLECTIONS.begin(freeze=settings.gc == "freeze")


def of_all_workers() -> Response:
    """The figures of all workers, in Prometheus' text format."""
    WORKER.refresh()
    if FOLDER is None:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
    import psutil  # noqa: PLC0415  # see above
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: PLC0415  # see above

    for pid in {file.stem.rpartition("_")[2] for file in Path(FOLDER).glob("gauge_live*.db")}:
        if not psutil.pid_exists(int(pid)):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # its created users still count
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return Response(generate_latest(together), media_type=CONTENT_TYPE_LATEST)


class Worker:
    """This process. As one of several workers, its figures in the folder are never older than REFRESH_EVERY_S."""

    def __init__(self) -> None:
        self._figures: Figures = {}
        self._totals: Totals = {}
        self._counted: dict[Counter, float] = {}
        self._refreshing: asyncio.Task[None] | None = None

    def begin(self, figures: Figures, totals: Totals) -> None:
        """Write these figures from now on, and these totals, which only grow."""
        self._figures, self._totals = figures, totals

    def refresh(self) -> None:
        """Write the figures now."""
        for gauge, figure in self._figures.items():
            gauge.set(figure())
        for counter, total in self._totals.items():
            now = total()
            counter.inc(now - self._counted.get(counter, 0.0))
            self._counted[counter] = now

    def refresh_regularly(self) -> None:
        """Write the figures every REFRESH_EVERY_S, as long as the event loop runs."""
        self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(REFRESH_EVERY_S)


WORKER = Worker()


def _gauge(name: str, documentation: str, of_all: Literal["livesum", "livemax"] = "livesum") -> Gauge:
    """A figure that is summed over all running workers, or the highest one of theirs."""
    return Gauge(name, documentation, registry=_registry(), multiprocess_mode=of_all)


def _counter(name: str, documentation: str) -> Counter:
    """A total that is summed over all workers, also those that have ended."""
    return Counter(name, documentation, registry=_registry())


def _registry() -> CollectorRegistry | None:
    return None if FOLDER else REGISTRY
