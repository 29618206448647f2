"""Checks that the memory of services, generator and harness does not grow under a constant load."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from bench.analysis.recorded import windows
from bench.analysis.recorded.roles import HARNESS, IDLE, LOAD, SERVICE
from bench.measure import database, load
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.fleet.processes import Child, stop_all
from bench.measure.watch.activity import Watcher
from bench.measure.watch.resources import Sampler
from bench.plan import matrix, model
from bench.selfbench import watched
from bench.selfbench.figures import Say, TargetRange
from bench.selfbench.setting import Setting
from bench.store import samples
from db.data import dataset
from suite import catalogue
from suite.arrival import Arrival
from suite.errors import LoadError, ResultsError

SERVICES = ("psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async")
DURATION_S = 300.0
SCALE = 0.001  # a thousand users: a cache of answers is full after settling
SETTLING = 0.2  # the first share of the time, in which memory may still grow: pools, caches, prepared statements
RATE_RPS = 100.0  # to each service, much less than any of them can serve
USERS = 100
LOOK_EVERY_S = 1.0
SPARE_S = 90.0
RISE = TargetRange(high=0.02)
MB = 1e6


@dataclass(frozen=True)
class Rise:
    """The change of memory after settling: its mean, and the rise of a straight line through all readings, in MB."""

    mean_mb: float
    rise_mb: float
    readings: int

    @property
    def share(self) -> float:
        """The growth as a share of the mean."""
        return self.rise_mb / self.mean_mb


def rise(readings: Sequence[tuple[float, float]], settling: float = SETTLING) -> Rise:
    """The growth in readings of (seconds, bytes), without the share `settling` at the beginning.

    It is the least-squares slope times the duration. The difference between the last and the first reading would
    depend on a single garbage collection. Raises ResultsError for fewer than three readings.
    """
    times, sizes = np.array([at for at, _ in readings]), np.array([size for _, size in readings]) / MB
    if len(times):
        kept = times >= times[0] + settling * (times[-1] - times[0])
        times, sizes = times[kept], sizes[kept]
    if len(times) < 3:
        raise ResultsError("memory was read fewer than three times after settling; soak for longer")
    offset = times - times.mean()
    slope = float((offset * sizes).sum() / (offset * offset).sum())
    return Rise(float(sizes.mean()), slope * float(times[-1] - times[0]), len(times))


def soak(
    setting: Setting, say: Say, *, duration_s: float = DURATION_S, services: Sequence[str] = SERVICES
) -> dict[str, Rise]:
    """Send a constant rate to all services at once, and check the memory of all processes."""
    say(
        f"{RATE_RPS:g} requests/s to each of {', '.join(services)} for {duration_s:g} s; memory each {LOOK_EVERY_S:g} s"
    )
    users, placed = dataset.size(SCALE).users, setting.placed
    setups = {matrix.default_setup(name): setting.new_folder(name) / "service.log" for name in services}
    with database.opened(None, placed.database) as server:
        database.loaded(server, SCALE)
        with Fleet(FleetSettings(server.dsn.url, users, placed.service)) as fleet:
            fleet.start(setups)
            runs = [_run(name, users, duration_s) for name in services]
            with _loading(runs, setting) as loads, Watcher(server.dsn):
                named = {pid: f"{SERVICE} {setup.service}" for pid, setup in fleet.pids().items()}
                named |= {child.pid: f"{LOAD} of {run.service}" for (child, _), run in zip(loads, runs, strict=True)}
                found = _followed(loads, named, longest_s=duration_s + SPARE_S)
            fleet.check_all_alive()
    for (_, folder), run in zip(loads, runs, strict=True):
        say(_load_summary(folder, run))
    rises = {name: rise(readings) for name, readings in found.items()}
    for name, one in rises.items():
        say(
            f"  {name}: {one.mean_mb:,.1f} MB, rising {one.rise_mb:+,.2f} MB ({one.share:+.2%});"
            f" {RISE.ruling(one.share, one.share)}"
        )
    return rises


def _run(service: str, users: int, duration_s: float) -> watched.PointReadLoad:
    return watched.PointReadLoad(
        catalogue.service(service).url,
        users=USERS,
        warm_up_s=0.0,
        measure_s=duration_s,
        dataset_users=users,
        arrival=model.Load(arrival=Arrival.OPEN, rate=RATE_RPS),
        service=service,
    )


@contextmanager
def _loading(runs: Sequence[watched.PointReadLoad], setting: Setting) -> Iterator[list[tuple[Child, Path]]]:
    """Run all loads side by side. They have ended when the block ends."""
    started: list[tuple[Child, Path]] = []
    with ExitStack() as stack:
        stack.callback(lambda: stop_all([child for child, _ in started]))
        for run in runs:
            folder = setting.new_folder("locust")
            started.append((load.start(run.command(setting, folder), folder, setting.placed.load), folder))
        yield started


def _followed(
    loads: Sequence[tuple[Child, Path]], named: Mapping[int, str], longest_s: float
) -> dict[str, list[tuple[float, float]]]:
    """Readings of the memory of every process, by name, as (seconds, bytes), until all loads have ended.

    Meanwhile, this process does the same as during a cell: it reads the resources of all others.
    """
    watch = Sampler({pid: LOAD if name.startswith(LOAD) else IDLE for pid, name in named.items()})
    names = {**named, psutil.Process().pid: HARNESS}
    readings: dict[str, list[tuple[float, float]]] = {name: [] for name in names.values()}
    began = time.monotonic()
    while all(child.exit_code() is None for child, _ in loads):
        at_s = time.monotonic() - began
        if at_s > longest_s:
            raise LoadError(f"Locust did not end within {longest_s:.0f} s; the end of {loads[0][0].log_tail()}")
        watch.tick()
        for pid, name in names.items():
            with suppress(psutil.NoSuchProcess):  # it has just ended
                readings[name].append((at_s, memory_bytes(pid)))
        loads[0][0].wait(LOOK_EVERY_S)
    for child, _ in loads:  # they all end at almost the same time
        if (code := child.wait(load.STOP_TIMEOUT_S)) != 0:
            raise LoadError(f"Locust ended with exit code {code}; the end of {child.log}:\n{child.log_tail()}")
    return readings


def memory_bytes(pid: int) -> int:
    """The memory of a process and its descendants. Shared memory counts once (PSS); without PSS, it is the RSS.

    Children of this process are left out, because they are read separately.
    """
    process = psutil.Process(pid)
    own = process.pid == psutil.Process().pid
    total = 0
    for one in (process, *([] if own else process.children(recursive=True))):
        with suppress(psutil.NoSuchProcess):
            info = one.memory_full_info()
            total += getattr(info, "pss", info.rss)
    return total


def _load_summary(folder: Path, run: watched.PointReadLoad) -> str:
    everything, marks = samples.read_stream(folder / samples.SAMPLE_STREAM)
    window = windows.window_of(marks, run.warm_up_s, run.measure_s)
    due = windows.classified(everything, window).filter("begun")
    good = windows.sent(due).filter(pl.col("ok")).height
    ruling = "holds" if good == due.height > 0 else "does not hold"
    rps = good / window.length_s
    return f"  {run.service}: {good:,} of {due.height:,} arrivals answered, {rps:,.1f} requests/s: {ruling}"
