"""Runs Locust as the harness does, and measures its CPU time from outside."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import psutil

from bench.analysis.recorded import windows
from bench.analysis.recorded.readings import interpolated
from bench.measure import load
from bench.plan import matrix, model
from bench.selfbench.setting import Setting
from bench.store import locust_counts
from bench.store.samples import SAMPLE_STREAM, read_stream
from db import ports

WATCH_EVERY_S = 0.5  # reading takes CPU time, too, and on two CPUs it may be that of the load
SPARE_S = 90.0


@dataclass(frozen=True)
class PointReadLoad:
    """A load of point reads on one address. It is closed by default, and 1000 users start in a second."""

    url: str
    users: int = 1000
    spawn_rate: float = 1000.0
    warm_up_s: float = 2.0
    measure_s: float = 5.0
    dataset_users: int = 1
    processes: int = 1
    arrival: model.Load = field(default_factory=model.Load)  # its arrival, rate and spacing are used
    service: str = "asyncpg_async"  # Locust requires a name; requests go to `url`

    def command(self, setting: Setting, folder: Path) -> list[str]:
        """The same command line as for a cell."""
        settings = model.Plan(
            matrix=model.Matrix(scenarios=["point_read"], services=[self.service], users=[self.users]),
            load=self.arrival.model_copy(
                update={"spawn_rate": self.spawn_rate, "warm_up_s": self.warm_up_s, "measure_s": self.measure_s}
            ),
        )
        [cell] = matrix.cells(settings)
        target = load.LoadTarget(self.url, self.dataset_users, 0, setting.placed.load)
        return [*load.command(cell, settings.load, target, folder), *self._processes()]

    def _processes(self) -> list[str]:
        if self.processes == 1:
            return []
        port = str(ports.free())  # by default, Locust's master listens on all interfaces, on a fixed port
        master = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
        return ["--processes", str(self.processes), *master]


@dataclass(frozen=True)
class LoadResult:
    """The figures of a window. Latencies are exact, of successful requests. `cpu_share` is of one core, of the load.

    `sent` has a row for each success: `latency_ns` from the intended start, `service_time_ns` from the real one.
    """

    throughput_rps: float
    latency_p50_ms: float
    latency_p99_ms: float
    failures: int
    users: int
    cpu_share: float
    samples: int
    counted_by_locust: int
    reconnects: int
    missed: int
    sent: pl.DataFrame


class CpuTrack:
    """CPU seconds that a process and its children have used, read from time to time on the clock of the samples."""

    def __init__(self) -> None:
        self._readings: list[tuple[int, float]] = []

    def add(self, at_ns: int, used_s: float) -> None:
        """Add a reading."""
        self._readings.append((at_ns, used_s))

    def at(self, at_ns: int) -> float:
        """CPU seconds used until then, interpolated between readings."""
        return interpolated(self._readings, at_ns)


def cpu_s(process: psutil.Process, *, children: bool = False) -> float:
    """CPU seconds of a process and, with `children`, of all its descendants."""
    family = (process, *process.children(recursive=True)) if children else (process,)
    used = [one.cpu_times() for one in family]
    return float(sum(times.user + times.system for times in used))


def measure(run: PointReadLoad, setting: Setting) -> LoadResult:
    """Run a load to its end. Raises LoadError if it does not end."""
    folder = setting.new_folder("locust")
    child = load.start(run.command(setting, folder), folder, setting.placed.load)
    track, process = CpuTrack(), psutil.Process(child.pid)

    def look(_: float) -> None:
        with suppress(psutil.NoSuchProcess):  # it has just ended, or a child of it has
            track.add(time.perf_counter_ns(), cpu_s(process, children=run.processes > 1))

    load.follow(child, run.users / run.spawn_rate + run.warm_up_s + run.measure_s + SPARE_S, look, WATCH_EVERY_S)
    everything, marks = read_stream(folder / SAMPLE_STREAM)
    window = windows.window_of(marks, run.warm_up_s, run.measure_s)
    mine = windows.classified(everything, window)
    due = mine.filter("begun")
    counted = windows.sent(due)
    good = counted.filter(pl.col("ok"))
    return LoadResult(
        throughput_rps=mine.filter(pl.col("completed") & pl.col("ok")).height / window.length_s,
        latency_p50_ms=percentile_ms(good, 0.50),
        latency_p99_ms=percentile_ms(good, 0.99),
        failures=counted.height - good.height,
        users=window.users,
        cpu_share=(track.at(window.end_ns) - track.at(window.start_ns)) / window.length_s,
        samples=everything.height,
        counted_by_locust=locust_counts.requests_in(folder / "locust.json"),
        reconnects=marks[-1].reconnects,
        missed=due.height - counted.height,
        sent=good,
    )


def percentile_ms(counted: pl.DataFrame, quantile: float, column: str = "latency_ns") -> float:
    """An exact percentile of the latencies. NaN if there are none."""
    value = counted[column].quantile(quantile, "nearest")
    return float("nan") if value is None else value / 1e6
