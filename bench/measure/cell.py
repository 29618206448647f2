"""One cell measured once: the data restored, the load run and watched, its samples kept and cut to the window."""

import json
import os
import statistics
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from bench.analysis import evidence
from bench.analysis.evidence import DATABASE, EXTERNAL, HARNESS, IDLE, LOAD, RELAY, SERVICE, TARGET, Evidence, Machine
from bench.analysis.recorded import load_workers, timeline, windows
from bench.analysis.recorded.activity import activity_csv, peaks, transactions_per_request
from bench.analysis.recorded.pings import inside, ping_csv
from bench.analysis.recorded.windows import Mark, Window
from bench.analysis.summary import COLUMNS, Measurement
from bench.measure import database, load, targets
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet
from bench.measure.watch import kernel
from bench.measure.watch.activity import Watcher
from bench.measure.watch.pinger import Pinger
from bench.measure.watch.probe import Probe
from bench.measure.watch.resources import Sampler
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.plan.placement import Placement
from bench.store import files, locust_counts, samples, space
from bench.tracing import events
from db import restore
from db import server as postgresql
from suite.activity import Activity
from suite.errors import BenchError, LoadError, RestartedError, ResultsError, ServiceError, UnwritableError


@dataclass(frozen=True)
class Told:
    """Who hears of a measurement: for how many seconds the load has been going on, what is done, what to show."""

    tick: Callable[[float], None] = lambda _: None
    step: Callable[[str], None] = lambda _: None
    show: Callable[[str], None] = lambda _: None


NOBODY = Told()


def measure(
    plan: Plan,
    cell: Cell,
    target: load.Target,
    fleet: Fleet,
    server: Database,
    placed: Placement,
    folder: Path,
    told: Told = NOBODY,
) -> Measurement:
    """Measure; everything that was recorded stays in `folder`, even when the cell cannot count.

    Raises WorkersError when the load was to be spread over other machines, and not all came.
    """
    ours, oom_kills = not cell.setup.url, kernel.oom_kills()
    try:
        _have(cell, fleet, folder / "service.log")
        restore.restore(server.dsn)
        database_started = postgresql.postmaster_start_time(server.dsn)
        watch = Sampler(_roots(cell, fleet, server))
        # /metrics and /ping of a target may be anything.
        probe, pinger = Probe(target.url, cell.setup.connections), Pinger(target.url)
        with (
            probe if ours else nullcontext(),
            pinger if ours and plan.load.ping else nullcontext(),
            Watcher(server.dsn) as watcher,
        ):
            stream = folder / samples.SAMPLE_STREAM
            child = load.start(load.command(cell, plan.load, target, folder), folder, target.cpus)
            workers = load.start_workers(cell, plan.load, target, folder)
            for one in (child, *workers):
                watch.watch(one.pid, LOAD)
            joining = load.Joining(plan.load, stream, workers, told.step)

            def tick(elapsed_s: float) -> None:
                watch.tick()
                space.check_room()  # Locust would hang where it cannot write its samples
                if ours:
                    fleet.check_alive(cell.setup, f" {elapsed_s:.1f} s after its load was started")
                joining.tick(elapsed_s)
                told.tick(elapsed_s)

            try:
                load.follow(child, load.longest_s(cell, plan.load), tick, workers=workers)
            finally:
                watch.look()
                kept, marks = samples.keep(stream, folder / "samples.parquet")
        database.check_not_restarted(server, database_started)
        window = _window(plan, kept, marks)
        _write_readings(watch, probe, watcher, pinger, window, folder)
        _check_alive(cell, fleet)
        if ours and plan.load.timeline:
            told.show(_timeline(fleet.trace(cell.setup), kept, window, folder))
    except UnwritableError:
        raise  # it says nothing of the cell, which is missing until there is room for it
    except (LoadError, ServiceError, RestartedError, ResultsError) as error:
        if isinstance(error, RestartedError):
            fleet.stop()  # their pools are full of connections that have ended
        problem = _note(error, kernel.oom_kills() - oom_kills, folder)
        return Measurement(pl.DataFrame(), evidence.nothing(problem, cell.users, plan.load.arrival))
    # A target may have a database of its own: what this one did need not have been for it.
    each = transactions_per_request(watcher.readings, windows.ended_ns(kept), window) if ours else None
    most = peaks(watcher.readings, window) if ours else None
    due = windows.cut(kept, window, plan.load.arrival)
    sent = windows.sent(due)
    pings_ms = inside(pinger.pings, window)
    seen = Evidence(
        length_s=window.length_s,
        users_asked=cell.users,
        users=window.users,
        arrival=plan.load.arrival,
        offered_rps=plan.load.rate if plan.load.arrival == "open" else None,
        by_chance=plan.load.spacing == "poisson",
        requests=len(sent),
        failures=int((~sent["ok"]).sum()),
        missed=len(due) - len(sent),
        reconnects=marks[-1].reconnects,
        accounted=evidence.accounted(kept, window, cell.users) if plan.load.arrival == "closed" else None,
        drift=evidence.drift(sent, window) if plan.load.arrival != "batch" else None,
        machine=_machine(plan, evidence.machine(watch.readings, probe.gauges, window, placed)),
        placement=placed,
        workers=cell.setup.workers,
        connections_peak=most.connections - _others(cell, watcher.readings) if most else None,
        idle_in_transaction_peak=most.idle_in_transaction if most else None,
        # A batch's end is of no steady rate, at which what is not reported yet would always be as much.
        transactions=each * len(sent) if each is not None and plan.load.arrival != "batch" else None,
        ping_p50_ms=statistics.median(pings_ms) if pings_ms else None,
        ping_max_ms=pings_ms[-1] if pings_ms else None,
        miscounted=locust_counts.difference(folder / "locust.json", len(windows.sent(kept))),
        foreign=not ours,
        load_workers=load_workers.of_marks(marks, window),
    )
    facts = {**window.as_dict(), "evidence": seen.as_dict()}
    files.write_whole(folder / "window.json", json.dumps(facts, indent=2) + "\n")
    return Measurement(sent.select(COLUMNS), seen)


def _write_readings(
    watch: Sampler, probe: Probe, watcher: Watcher, pinger: Pinger, window: Window, folder: Path
) -> None:
    files.write_whole(folder / "resources.csv", evidence.resources_csv(watch.readings, probe.gauges, window))
    files.write_whole(folder / "pg_activity.csv", activity_csv(watcher.readings, window))
    if pinger.pings:
        files.write_whole(folder / "ping.csv", ping_csv(pinger.pings, window))


def _timeline(trace: Path, kept: pl.DataFrame, window: Window, folder: Path) -> str:
    """Leave a batch's timeline in the cell's folder, and return it as a drawing."""
    rows = timeline.rows(events.read(trace), kept, window)
    files.write_whole(folder / "timeline.csv", timeline.csv_text(rows))
    return timeline.drawn(rows)


def _note(error: BenchError, killed: int, folder: Path) -> str:
    """Leave in the cell's folder why it cannot count, and return it; `killed` processes were out of memory meanwhile.

    Raises StoppedError where the disk is full, which may be why: then the cell is missing.
    """
    space.check_room()
    problem, _, said = str(error).partition("\n")
    if killed > 0 and isinstance(error, LoadError | ServiceError):
        problem = f"{problem.removesuffix(':')}; meanwhile {evidence.for_memory(killed)}"
    files.write_whole(folder / "problem.txt", f"{problem}\n{said}\n")
    return problem


def _have(cell: Cell, fleet: Fleet, log: Path) -> None:
    """Have the cell's service running; a target runs already, or raises ServiceError."""
    if cell.setup.url:
        targets.check_reachable(cell.setup)
    else:
        fleet.ensure(cell.setup, log)


def _check_alive(cell: Cell, fleet: Fleet) -> None:
    if cell.setup.url:
        targets.check_reachable(cell.setup)
    else:
        fleet.check_alive(cell.setup)


def _machine(plan: Plan, seen: Machine | None) -> Machine | None:
    """Where other machines send, too, what the load used here is not what it used."""
    if seen is None or not plan.load.expect_workers:
        return seen
    without = {role: cpu_s for role, cpu_s in seen.cpu_s.items() if role != LOAD}
    return replace(seen, cpu_s=without)


def _others(cell: Cell, readings: Sequence[Activity]) -> int:
    """Connections that are not the service's: at the first reading it had just those that its pools open at start."""
    own = cell.setup.pool_size * cell.setup.workers if cell.setup.connections else 0
    return max(0, readings[0].connections - own)


def _roots(cell: Cell, fleet: Fleet, server: Database) -> dict[int, str]:
    """Which of the processes we started has which role."""
    roles = {pid: SERVICE if setup == cell.setup else IDLE for pid, setup in fleet.pids().items()}
    roles |= dict.fromkeys(fleet.network.pids(), RELAY) | dict.fromkeys(fleet.external.pids(), EXTERNAL)
    if cell.setup.url:
        roles |= dict.fromkeys(targets.processes(cell.setup.url), TARGET)
    return roles | {os.getpid(): HARNESS} | ({server.pid: DATABASE} if server.pid else {})


def _window(plan: Plan, kept: pl.DataFrame, marks: tuple[Mark, ...]) -> Window:
    if plan.load.arrival == "batch":
        return windows.batch_window(kept, marks)
    return windows.window_of(marks, plan.load.warm_up_s, plan.load.measure_s)
