"""The figures of GET /metrics: users created, pool, threads, CPU time and memory, of all workers together.

Several workers share a folder, PROMETHEUS_MULTIPROC_DIR, where prometheus-client keeps the figures of each, so any
worker can answer for all. Figures that must be read, such as the number of free connections, are written there by each
worker twice a second, and by the worker that answers at that moment. A single worker needs no folder.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
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
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # prometheus-client reads it, too, when it is imported
REFRESH_EVERY_S = 0.5

Figures = dict[Gauge, Callable[[], float]]

disable_created_metrics()  # type: ignore[no-untyped-call]  # older servers treat them as gauges
USERS_CREATED = Counter("users_created", "Users that this service created.")


def watch(pool_connections: Callable[[], int] | None = None, pool_idle: Callable[[], int] | None = None) -> None:
    """Begin to report this worker, and its pool if it has one. Call this once, when the application starts."""
    limiter = current_default_thread_limiter()
    figures: Figures = {
        _gauge("workers", "Worker processes whose figures are summed here."): lambda: 1,
        _gauge("threads", "Threads that `def` endpoints may use."): lambda: limiter.total_tokens,
        _gauge("threads_busy", "Threads that work or wait for a connection."): lambda: limiter.borrowed_tokens,
    }
    if pool_connections and pool_idle:
        figures[_gauge("pool_connections", "Connections that the pool holds.")] = pool_connections
        figures[_gauge("pool_connections_idle", "Connections waiting in the pool.")] = pool_idle
    if FOLDER is None:
        for gauge, figure in figures.items():
            gauge.set_function(figure)
        return
    memory = psutil.Process().memory_info
    figures[_gauge("process_resident_memory_bytes", "Resident memory size in bytes.")] = lambda: memory().rss
    WORKER.begin(figures)


def of_all_workers() -> Response:
    """The figures of all workers, in Prometheus' text format."""
    if FOLDER is None:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
    WORKER.refresh()
    for pid in {file.stem.rpartition("_")[2] for file in Path(FOLDER).glob("gauge_live*.db")}:
        if not psutil.pid_exists(int(pid)):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # its created users still count
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return Response(generate_latest(together), media_type=CONTENT_TYPE_LATEST)


class Worker:
    """One of several workers. Its figures in the folder are never older than REFRESH_EVERY_S."""

    def __init__(self) -> None:
        self._figures: Figures = {}
        self._cpu_s = 0.0
        self._cpu: Counter | None = None
        self._refreshing: asyncio.Task[None] | None = None

    def begin(self, figures: Figures) -> None:
        """Write these figures from now on, and this process's CPU time."""
        self._figures = figures
        # The same name as in prometheus-client's own collector, which sees only one process.
        about = "Total user and system CPU time spent in seconds."
        self._cpu = Counter("process_cpu_seconds", about, registry=None)
        self._refreshing = asyncio.create_task(self._refresh_regularly())

    def refresh(self) -> None:
        """Write the figures now."""
        for gauge, figure in self._figures.items():
            gauge.set(figure())
        if self._cpu is not None:
            used_s = time.process_time()
            self._cpu.inc(used_s - self._cpu_s)
            self._cpu_s = used_s

    async def _refresh_regularly(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(REFRESH_EVERY_S)


WORKER = Worker()


def _gauge(name: str, documentation: str) -> Gauge:
    """A figure that is summed over all running workers."""
    return Gauge(name, documentation, registry=None if FOLDER else REGISTRY, multiprocess_mode="livesum")
