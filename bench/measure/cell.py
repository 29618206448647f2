"""Measures one cell once: restores the data, runs and observes the load, keeps the samples, cuts them to the window."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from bench.analysis.measurement import Measurement
from bench.analysis.recorded import timeline
from bench.analysis.recorded.activity import activity_csv
from bench.analysis.recorded.machine import for_memory
from bench.analysis.recorded.pings import ping_csv
from bench.analysis.recorded.readings import resources_csv
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.roles import DATABASE, EXTERNAL, HARNESS, IDLE, LOAD, RELAY, SERVICE, TARGET
from bench.analysis.recorded.windows import Window
from bench.analysis.slices import cut
from bench.measure import database, load, targets
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet
from bench.measure.watch import kernel
from bench.measure.watch.apart import kept_off
from bench.measure.watch.observers import Observers
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.plan.placement import Placement
from bench.store import files, locust_counts, measurements, recordings, samples, space
from bench.tracing import events
from db import server as postgresql
from db.data import restore
from suite.errors import BenchError, EndedError, LoadError, RestartedError, ResultsError, ServiceError, UnwritableError


@dataclass(frozen=True)
class ProgressListener:
    """Callbacks of a measurement: `tick` gets the seconds of load so far, `step` each step.

    `show` prints text as it is, `note` a line that says what was decided.
    """

    tick: Callable[[float], None] = lambda _: None
    step: Callable[[str], None] = lambda _: None
    show: Callable[[str], None] = lambda _: None
    note: Callable[[str], None] = lambda _: None


SILENT = ProgressListener()


@dataclass(frozen=True)
class Attempt:
    """One measurement to be made: of which cell, with which load, on which CPUs, and the folder for its files.

    `verified` has the transactions of one call of each operation, as verification counted them.
    """

    plan: Plan
    cell: Cell
    target: load.LoadTarget
    placed: Placement
    folder: Path
    verified: Mapping[str, float] = field(default_factory=dict)


def measure(attempt: Attempt, fleet: Fleet, server: Database, listener: ProgressListener = SILENT) -> Measurement:
    """Measure; everything that was recorded stays in the attempt's folder, even when the cell cannot count.

    Raises WorkersError when workers on other machines were expected and not all of them joined.
    """
    return concluded(attempt, fleet, lambda: _record(attempt, fleet, server, listener), listener)


def concluded(
    attempt: Attempt,
    fleet: Fleet,
    record: Callable[[], tuple[Recording, pl.DataFrame]],
    listener: ProgressListener = SILENT,
) -> Measurement:
    """What `record` gives, cut to the window and kept; or why the measurement cannot count.

    `record` gives the recording and all samples, which are then in the attempt's folder.
    """
    plan, cell, folder, oom_kills = attempt.plan, attempt.cell, attempt.folder, kernel.oom_kills()
    try:
        recording, kept = record()
        found = cut.of(recording, kept, plan)
        _write_tables(recording, found.recorded, folder)
        check_alive(cell, fleet)
        if plan.load.timeline and not cell.setup.url:
            listener.show(_timeline(fleet.trace(cell.setup), kept, found.window, folder))
    except UnwritableError:
        raise  # the cell is not at fault: it is missing until the disk has room
    except (LoadError, ServiceError, RestartedError, ResultsError) as error:
        if isinstance(error, RestartedError):
            fleet.stop()  # the pools hold connections that PostgreSQL has closed
        problem = _write_problem(error, kernel.oom_kills() - oom_kills, folder)
        return measurements.nothing(problem, plan, cell, by_service=isinstance(error, EndedError))
    measured = Measurement.of(recording, kept, cell, plan, found)
    measurements.keep(found.window, measured.evidence, folder)
    return measured


def _record(
    attempt: Attempt, fleet: Fleet, server: Database, listener: ProgressListener
) -> tuple[Recording, pl.DataFrame]:
    """Run the load and observe it. The recording and all samples also stay in the attempt's folder."""
    plan, cell, target, folder = attempt.plan, attempt.cell, attempt.target, attempt.folder
    _ensure_running(cell, fleet, folder)
    restore.restore(server.dsn)
    database_started = postgresql.postmaster_start_time(server.dsn)
    stream = folder / samples.SAMPLE_STREAM
    called = fleet.external.calls() if cell.calls_external else 0
    lag_file = fleet.lag_file(cell.setup) if cell.setup.is_started else None
    with (
        Observers(cell, plan.load, target.url, server.dsn, roots(cell, fleet, server), lag_file) as observers,
        kept_off(attempt.placed.service),
    ):
        child = load.start(load.command(cell, plan.load, target, folder), folder, target.cpus)
        workers = load.start_workers(cell, plan.load, target, folder)
        for one in (child, *workers):
            observers.follow(one.pid, LOAD)
        joining = load.WorkerArrival(plan.load, stream, workers, listener.step)
        late = load.Overtime(cell, plan.load, listener.step)

        def tick(elapsed_s: float) -> None:
            observers.tick()
            space.check_room()  # Locust would hang where it cannot write its samples
            if cell.setup.is_started:
                fleet.check_alive(cell.setup, f" {elapsed_s:.1f} s after its load was started")
            joining.tick(elapsed_s)
            late.tick(elapsed_s)
            listener.tick(elapsed_s)

        try:
            load.follow(child, load.longest_s(cell, plan.load), tick, workers=workers)
        finally:
            observers.look()
            kept, marks = samples.keep(stream, folder / "samples.parquet")
    recording = observers.recording(marks, attempt.placed, locust_counts.counted(folder / "locust.json"))
    calls = fleet.external.calls() - called if cell.calls_external else None
    shared = server.pooler is not None and server.pooler.shares
    # A pooler's own statements are transactions, too. PgBouncer sends a SET before each transaction of asyncpg.
    verified = {} if shared else attempt.verified
    recording = replace(recording, verified_transactions=verified, external_calls=calls, shared=shared)
    recordings.keep(recording, folder)
    database.check_not_restarted(server, database_started)
    return recording, kept


def _write_tables(recording: Recording, window: Window, folder: Path) -> None:
    """Write the observations as CSV, with times in seconds from the start of the window."""
    files.write_whole(folder / "resources.csv", resources_csv(recording.readings, recording.gauges, window))
    files.write_whole(folder / "pg_activity.csv", activity_csv(recording.activity, window))
    if recording.pings:
        files.write_whole(folder / "ping.csv", ping_csv(recording.pings, window))


def _timeline(trace: Path, kept: pl.DataFrame, window: Window, folder: Path) -> str:
    """Write a batch's timeline into the cell's folder, and return it drawn as text."""
    rows = timeline.rows(events.read(trace), kept, window)
    files.write_whole(folder / "timeline.csv", timeline.csv_text(rows))
    return timeline.drawn(rows)


def _write_problem(error: BenchError, killed: int, folder: Path) -> str:
    """Write into the cell's folder why it cannot count, and return that reason.

    `killed` is the number of processes that the kernel killed for lack of memory meanwhile. Raises StoppedError when
    the disk is full: that may be the cause, so the cell counts as missing.
    """
    space.check_room()
    problem, _, details = str(error).partition("\n")
    if killed > 0 and isinstance(error, LoadError | ServiceError):
        problem = f"{problem.removesuffix(':')}; meanwhile {for_memory(killed)}"
    by = f"{measurements.BY_SERVICE}\n" if isinstance(error, EndedError) else ""
    files.write_whole(folder / "problem.txt", f"{problem}\n{details}\n{by}")
    return problem


def _ensure_running(cell: Cell, fleet: Fleet, folder: Path) -> None:
    """Start the cell's service unless it runs. Raises ServiceError for a target of the user that does not run."""
    if cell.setup.is_started:
        fleet.ensure(cell.setup, folder / "service.log")
        return
    targets.check_reachable(cell.setup)
    if cell.calls_external:
        fleet.external.start(folder)


def check_alive(cell: Cell, fleet: Fleet) -> None:
    """Raise ServiceError if the cell's service has ended, or the user's target does not answer."""
    if cell.setup.is_started:
        fleet.check_alive(cell.setup)
    else:
        targets.check_reachable(cell.setup)


def roots(cell: Cell, fleet: Fleet, server: Database) -> dict[int, str]:
    """The role of each process that we started, and of the named database's, by pid."""
    roles = {pid: SERVICE if setup == cell.setup else IDLE for pid, setup in fleet.pids().items()}
    roles |= dict.fromkeys(fleet.network.pids(), RELAY) | dict.fromkeys(fleet.external.pids(), EXTERNAL)
    if not cell.setup.is_started:
        roles |= dict.fromkeys(targets.processes(cell.setup.url), TARGET)
    return roles | {os.getpid(): HARNESS} | dict.fromkeys(server.pids, DATABASE)
