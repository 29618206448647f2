"""One run of a plan, from the first check to the last file: the only module that knows the order of things."""

import json
import resource
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl
from rich.console import Console

from bench import (
    analysis,
    catalogue,
    database,
    environment,
    load,
    placement,
    report,
    results,
    samples,
    schedule,
    verify,
)
from bench.analysis import Measurement
from bench.database import Database
from bench.errors import (
    BenchError,
    LoadError,
    PreflightError,
    ResultsError,
    ServiceError,
    TerminatedError,
    VerificationError,
)
from bench.placement import Placement
from bench.plan import Cell, Plan, Setup
from bench.plan import cells as cells_of
from bench.progress import Display
from bench.report import CellResult
from bench.results import Run
from bench.services import Fleet, Surroundings, check_ports
from db import dataset, restore

CELL_OVERHEAD_S = 2.5  # restoring, reading samples; the services' own start is counted once a round
ROUND_OVERHEAD_S = 3.0
SPARE_FILES = 200
BYTES_PER_SAMPLE = 20
LIKELY_MOST_RPS = 20_000


@dataclass(frozen=True)
class Request:
    """What the command line asked for."""

    plan: Plan
    plan_path: Path
    name: str | None
    database_url: str | None


@dataclass
class Progress:
    """What has been measured so far, cell by cell."""

    measured: dict[Cell, list[Measurement]] = field(default_factory=dict)
    results: dict[Cell, CellResult] = field(default_factory=dict)
    window_s: float = 0.0

    def add(self, cell: Cell, measurement: Measurement) -> None:
        """Take one more measurement into account."""
        mine = self.measured.setdefault(cell, [])
        mine.append(measurement)
        self.window_s += measurement.length_s
        self.results[cell] = CellResult(
            cell, len(mine), analysis.summarise(mine), analysis.verdict(mine, cell.users), analysis.errors(mine)
        )


def run(request: Request, console: Console) -> int:
    """Measure a plan. Returns the exit code of DESIGN: 0, or 3 when a cell is INVALID.

    Raises BenchError when it could not start or was stopped part-way, and KeyboardInterrupt or TerminatedError when
    it was interrupted; by then everything measured is saved, and everything started has ended.
    """
    began = time.monotonic()
    plan, cells = request.plan, cells_of(request.plan)
    seed = plan.rounds.seed if plan.rounds.seed is not None else secrets.randbelow(2**32)
    order = schedule.order(cells, plan.rounds.count, seed)
    placed = placement.place(placement.available_cpus(), max(cell.setup.workers for cell in cells))
    with results.lock():
        preflight(plan, cells)
        run_ = results.create(request.name, request.plan_path.stem, datetime.now(UTC))
        run_.status("running")
        run_.write("plan.toml", request.plan_path.read_text())
        run_.write_json(
            "plan.json",
            {
                "name": request.plan_path.stem,
                "plan": plan.model_dump(),
                "seed": seed,
                "cells": [cell.as_dict() for cell in cells],
                "order": [[cell.slug for cell in one_round] for one_round in order],
            },
        )
        progress = Progress()
        try:
            with (
                Display(console, expected_s(plan, order)) as display,
                database.opened(request.database_url, placed.database) as server,
            ):
                measure(request, order, seed, placed, server, run_, progress, display)
        except (KeyboardInterrupt, TerminatedError) as stop:
            conclude(run_, progress, console, "interrupted", type(stop).__name__, began)
            raise
        except BenchError as error:
            conclude(run_, progress, console, "partial" if progress.results else "failed", str(error), began)
            if progress.results:
                error.exit_code = 2
            raise
        run_.make_latest()
        invalid = [result.cell.slug for result in progress.results.values() if not result.verdict.ranks]
        conclude(run_, progress, console, "finished", f"INVALID: {', '.join(invalid)}" if invalid else "", began)
        return 3 if invalid else 0


def preflight(plan: Plan, cells: Sequence[Cell]) -> None:
    """Raise PreflightError or ResultsError for what can be known before anything is started."""
    check_ports(sorted({catalogue.service(cell.service).port for cell in cells}))
    needed = max(cell.users for cell in cells) + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < needed:
        raise PreflightError(
            f"{needed} open files are needed and the limit is {hard}; raise it with `ulimit -Hn {needed}` (as root) or"
            " use fewer --users"
        )
    seconds = sum(load.expected_s(cell, plan.load) for cell in cells) * plan.rounds.count
    results.check_space(seconds * LIKELY_MOST_RPS * BYTES_PER_SAMPLE / 1e6 + 50)


def expected_s(plan: Plan, order: Sequence[Sequence[Cell]]) -> float:
    """How long measuring will take."""
    return sum(_cell_s(plan, cell) for one_round in order for cell in one_round) + ROUND_OVERHEAD_S * len(order)


def _cell_s(plan: Plan, cell: Cell) -> float:
    return load.expected_s(cell, plan.load) + CELL_OVERHEAD_S


def measure(
    request: Request,
    order: Sequence[Sequence[Cell]],
    seed: int,
    placed: Placement,
    server: Database,
    run_: Run,
    progress: Progress,
    display: Display,
) -> None:
    """Load, verify, then every cell of every round; each cell is saved before the next begins."""
    plan = request.plan
    setups = list(dict.fromkeys(cell.setup for cell in order[0]))
    database.check_connections(server, _most_connections(setups))
    display.step(f"loading the dataset, scale {plan.database.scale:g}, into the {server}")
    loaded = database.loaded(server, plan.database.scale)
    users = dataset.size(plan.database.scale).users
    recorded = environment.record(server, loaded, placed)
    run_.write_json("environment.json", recorded)
    with Fleet(Surroundings(server.dsn.url, users, placed.service)) as fleet:
        display.step("verifying that all services answer alike")
        verify_all(fleet, server, users, _one_each(setups), run_.folder / "verification")
        run_.write_json("environment.json", recorded | {"services": _services(fleet)})
        for number, one_round in enumerate(order, 1):
            fleet.stop()
            first = _one_each([cell.setup for cell in one_round])
            display.step(f"round {number} of {len(order)}: starting the services")
            logs = {setup: run_.cell_folder(number, _first_cell(one_round, setup)) / "service.log" for setup in first}
            fleet.start(logs)
            for cell in one_round:
                display.measuring(f"round {number} of {len(order)}: {cell.slug}")
                folder = run_.cell_folder(number, cell)
                target = load.Target(catalogue.service(cell.service).url, users, seed + number, placed.load)
                progress.add(cell, measure_cell(plan, cell, target, fleet, server, folder, display))
                display.finished(_cell_s(plan, cell))
                save(run_, plan, progress, cell)


def measure_cell(
    plan: Plan, cell: Cell, target: load.Target, fleet: Fleet, server: Database, folder: Path, display: Display
) -> Measurement:
    """One cell, once: the data restored, the load run, its samples kept and cut to the window."""
    try:
        fleet.ensure(cell.setup, folder / "service.log")
        restore.restore(server.dsn)
        try:
            load.run(cell, plan.load, target, folder, display.tick)
        finally:
            kept, marks = _keep_samples(folder)
        fleet.check_alive(cell.setup)
        window = samples.window_of(marks, plan.load.warm_up_s, plan.load.measure_s)
    except (LoadError, ServiceError, ResultsError) as error:
        results.write_whole(folder / "problem.txt", f"{error}\n")
        return Measurement(pl.DataFrame(), 0.0, 0, str(error).partition("\n")[0])
    results.write_whole(folder / "window.json", json.dumps(window.as_dict(), indent=2) + "\n")
    counted = samples.cut(kept, window).select("operation", "error", "body_bytes", "latency_ns", "ok")
    return Measurement(counted, window.length_s, window.users)


def _keep_samples(folder: Path) -> tuple[pl.DataFrame, tuple[samples.Mark, ...]]:
    """Turn the stream that the load wrote into samples.parquet, whatever became of the load."""
    stream = folder / load.SAMPLE_STREAM
    if not stream.exists():
        return pl.DataFrame(), ()
    frame, marks = samples.read_stream(stream)
    beside = folder / ".samples.parquet.new"
    frame.write_parquet(beside)
    beside.replace(folder / "samples.parquet")
    stream.unlink()
    return frame, marks


def verify_all(fleet: Fleet, server: Database, users: int, setups: Sequence[Setup], logs: Path) -> None:
    """Start these setups and put the contract to each. Raises VerificationError with every disagreement (up to ten)."""
    fleet.start({setup: logs / f"{setup.service}.log" for setup in setups})
    answers, todo = {}, verify.checks(users)
    documents = {}
    for setup in setups:
        service = catalogue.service(setup.service)
        restore.restore(server.dsn)
        try:
            answers[service.name] = verify.ask(service.url, service, todo)
            documents[service.name] = verify.openapi(service.url)
        except httpx.HTTPError as error:
            raise VerificationError(f"{service.name} broke off during verification: {error}") from None
    restore.restore(server.dsn)
    wrong = [str(one) for one in verify.disagreements(answers)]
    first = next(iter(documents))
    wrong += [f"{name}: its OpenAPI document differs from that of {first}" for name, document in documents.items()
              if document != documents[first]]  # fmt: skip
    if wrong:
        more = f"\n  and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise VerificationError("verification failed; nothing was measured:\n  " + "\n  ".join(wrong[:10]) + more)


def save(run_: Run, plan: Plan, progress: Progress, cell: Cell) -> None:
    """Write summary.csv, and the cell's own statistics in Locust's layout."""
    rows = report.summary_rows(run_.run_id, plan.load, list(progress.results.values()))
    run_.write("summary.csv", results.csv_text(report.SUMMARY, rows))
    whole = [one for one in progress.measured[cell] if not one.problem]
    if whole:
        pooled = pl.concat([one.samples for one in whole])
        rows = report.locust_rows(pooled, sum(one.length_s for one in whole))
        run_.write(f"{cell.slug}_stats.csv", results.csv_text(report.LOCUST_COLUMNS, rows))


def conclude(run_: Run, progress: Progress, console: Console, state: str, why: str, began: float) -> None:
    """Say how the run ended, show what was measured, and where it is."""
    total_s = time.monotonic() - began
    run_.status(state, why)
    run_.write_json("duration.json", {"total_s": total_s, "window_s": progress.window_s})
    for scenario in dict.fromkeys(cell.scenario for cell in progress.results):
        console.print()
        console.print(report.ranking(list(progress.results.values()), scenario))
    share = f"; {progress.window_s / total_s:.0%} of it inside windows" if progress.results else ""
    console.print(f"\n{state} after {total_s:.0f} s{share}", highlight=False)
    console.print(f"results: {_short(run_.folder)}", highlight=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _one_each(setups: Sequence[Setup]) -> list[Setup]:
    """The first setup of each service: only one of a service fits on its port."""
    return list({setup.service: setup for setup in reversed(setups)}.values())[::-1]


def _first_cell(one_round: Sequence[Cell], setup: Setup) -> Cell:
    return next(cell for cell in one_round if cell.setup == setup)


def _most_connections(setups: Sequence[Setup]) -> int:
    """The most connections that services side by side, one setup of each, can hold."""
    services = {setup.service for setup in setups}
    return sum(max(setup.connections for setup in setups if setup.service == service) for service in services)


def _services(fleet: Fleet) -> dict[str, object]:
    return {setup.service: {**asdict(setup), "health": health} for setup, health in fleet.health.items()}
