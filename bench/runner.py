"""One run of a plan, from the first check to the last file: the only module that knows the order of things."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from bench import catalogue, database, environment, gate, load, placement, preflight, report, results, schedule
from bench.cell import measure as measure_cell
from bench.database import Database
from bench.errors import BenchError, TerminatedError
from bench.outcome import Outcome
from bench.placement import Placement
from bench.plan import Cell, Plan, Setup
from bench.plan import cells as cells_of
from bench.progress import Display
from bench.results import Run
from bench.services import Fleet, Surroundings
from db import dataset

CELL_OVERHEAD_S = 2.0  # restoring the data, reading the samples
ROUND_OVERHEAD_S = 3.0  # ending the services and starting them anew


@dataclass(frozen=True)
class Request:
    """What the command line asked for."""

    plan: Plan
    plan_path: Path
    name: str | None
    database_url: str | None


@dataclass(frozen=True)
class Job:
    """A request with everything decided: which cells, in which order, where."""

    request: Request
    cells: tuple[Cell, ...]
    seed: int
    order: tuple[tuple[Cell, ...], ...]
    placed: Placement

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.request.plan

    def as_dict(self) -> dict[str, Any]:
        """For plan.json."""
        return {
            "name": self.request.plan_path.stem,
            "plan": self.plan.model_dump(),
            "seed": self.seed,
            "cells": [cell.as_dict() for cell in self.cells],
            "order": [[cell.slug for cell in one_round] for one_round in self.order],
        }

    def cell_s(self, cell: Cell) -> float:
        """How long one measurement of a cell is expected to take."""
        return load.expected_s(cell, self.plan.load) + CELL_OVERHEAD_S

    def expected_s(self) -> float:
        """How long all measuring is expected to take."""
        cells_s = sum(self.cell_s(cell) for one_round in self.order for cell in one_round)
        return cells_s + ROUND_OVERHEAD_S * len(self.order)


def decide(request: Request) -> Job:
    """Draw the seed, unless the plan has one, and with it the order."""
    cells, seed = cells_of(request.plan), request.plan.rounds.seed
    seed = secrets.randbelow(2**32) if seed is None else seed
    order = schedule.order(cells, request.plan.rounds.count, seed)
    workers = max(cell.setup.workers for cell in cells)
    return Job(request, cells, seed, order, placement.place(placement.available_cpus(), workers))


def run(request: Request, console: Console) -> int:
    """Measure a plan. Returns the exit code of DESIGN: 0, or 3 when a cell is INVALID.

    Raises BenchError when it could not start or was stopped part-way, and KeyboardInterrupt or TerminatedError when
    it was interrupted; by then everything measured is saved, and everything started has ended.
    """
    began = time.monotonic()
    job = decide(request)
    with results.lock():
        preflight.check(request.plan, job.cells)
        folder = results.create(request.name, request.plan_path.stem, datetime.now(UTC))
        folder.status("running")
        folder.write("plan.toml", request.plan_path.read_text(encoding="utf-8"))
        folder.write_json("plan.json", job.as_dict())
        outcome, state, why = Outcome(), "failed", ""
        try:
            measure(job, folder, outcome, console)
            state, why = "finished", _invalid(outcome)
            folder.make_latest()
        except (KeyboardInterrupt, TerminatedError) as stop:
            state, why = "interrupted", type(stop).__name__
            raise
        except BenchError as error:
            why = str(error)
            if outcome.results:
                state, error.exit_code = "partial", 2
            raise
        except BaseException as bug:
            why = repr(bug)
            raise
        finally:
            conclude(folder, outcome, console, state, why, time.monotonic() - began)
        return 3 if why else 0


def measure(job: Job, folder: Run, outcome: Outcome, console: Console) -> None:
    """Have the database, verify the services, then every cell of every round; each is saved before the next begins."""
    scale, setups = job.plan.database.scale, list(dict.fromkeys(cell.setup for cell in job.cells))
    users = dataset.size(scale).users
    with (
        Display(console, job.expected_s()) as display,
        database.opened(job.request.database_url, job.placed.database) as server,
        Fleet(Surroundings(server.dsn.url, users, job.placed.service)) as fleet,
    ):
        database.check_connections(server, preflight.most_connections(setups))
        display.step(f"dataset of scale {scale:g}, in the {server}")
        loaded = database.loaded(server, scale)
        recorded = environment.record(server, loaded, job.placed)
        display.step("verifying that all services answer alike")
        gate.check(fleet, server, users, _one_each(setups), folder.folder / "verification")
        folder.write_json("environment.json", recorded | {"services": _described(fleet)})
        for number, one_round in enumerate(job.order, 1):
            measure_round(job, number, one_round, fleet, server, folder, outcome, display)


def measure_round(
    job: Job,
    number: int,
    cells: Sequence[Cell],
    fleet: Fleet,
    server: Database,
    folder: Run,
    outcome: Outcome,
    display: Display,
) -> None:
    """Every cell once, in fresh service processes; the services of a round run side by side."""
    title = f"round {number} of {len(job.order)}"
    display.step(f"{title}: starting the services")
    fleet.stop()
    firsts = _one_each(cell.setup for cell in cells)
    fleet.start({setup: folder.cell_folder(number, _cell_of(cells, setup)) / "service.log" for setup in firsts})
    for cell in cells:
        display.measuring(f"{title}: {cell.slug}")
        url, users = catalogue.service(cell.service).url, fleet.surroundings.dataset_users
        target = load.Target(url, users, job.seed + number, job.placed.load)
        place = folder.cell_folder(number, cell)
        outcome.add(cell, measure_cell(job.plan, cell, target, fleet, server, place, display.tick))
        display.finished(job.cell_s(cell))
        save(folder, job.plan, outcome, cell)


def save(folder: Run, plan: Plan, outcome: Outcome, cell: Cell) -> None:
    """Write summary.csv, and the cell's own statistics in Locust's layout."""
    rows = report.summary_rows(folder.run_id, plan.load, list(outcome.results.values()))
    folder.write("summary.csv", results.csv_text(report.SUMMARY, rows))
    whole = [one for one in outcome.measured[cell] if not one.problem]
    if whole:
        pooled = pl.concat([one.samples for one in whole])
        rows = report.locust_rows(pooled, sum(one.length_s for one in whole))
        folder.write(f"{cell.slug}_stats.csv", results.csv_text(report.LOCUST_COLUMNS, rows))


def conclude(folder: Run, outcome: Outcome, console: Console, state: str, why: str, took_s: float) -> None:
    """Say how the run ended, show what was measured, and where it is."""
    folder.status(state, why)
    folder.write_json("duration.json", {"total_s": took_s, "window_s": outcome.window_s})
    for scenario in dict.fromkeys(cell.scenario for cell in outcome.results):
        console.print()
        console.print(report.ranking(list(outcome.results.values()), scenario))
    share = f", {outcome.window_s / took_s:.0%} of it inside windows" if outcome.results else ""
    console.print(f"\n{state} after {took_s:.0f} s{share}", highlight=False)
    console.print(f"results: {_short(folder.folder)}", highlight=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _invalid(outcome: Outcome) -> str:
    slugs = [result.cell.slug for result in outcome.results.values() if not result.verdict.ranks]
    return f"INVALID: {', '.join(slugs)}" if slugs else ""


def _one_each(setups: Iterable[Setup]) -> list[Setup]:
    """The first setup of each service: only one of a service fits on its port."""
    first: dict[str, Setup] = {}
    for setup in setups:
        first.setdefault(setup.service, setup)
    return list(first.values())


def _cell_of(cells: Sequence[Cell], setup: Setup) -> Cell:
    return next(cell for cell in cells if cell.setup == setup)


def _described(fleet: Fleet) -> dict[str, object]:
    return {setup.service: {**asdict(setup), "health": health} for setup, health in fleet.health.items()}
