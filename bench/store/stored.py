"""Reads a run from its folder: all measurements. Nothing is started."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from bench.analysis import ceilings, verdict
from bench.analysis.outcome import Ceilings, Outcome
from bench.analysis.parity import COLUMNS as COLUMNS_OF_PARITY
from bench.analysis.parity import ParityRow
from bench.plan import matrix
from bench.plan.matrix import PYTHONS_OWN, Cell
from bench.plan.model import Plan
from bench.plan.note import Kind, Note
from bench.plan.servers import UVLOOP
from bench.store import csv_reading, files, kept_scenarios, measurements
from bench.store.runs import FIRST_ATTEMPT
from bench.store.samples import SAMPLE_STREAM
from suite.errors import LoadError, ResultsError

T = TypeVar("T")
OBJECTS = ("machine", "database", "services")  # the entries of environment.json that must be objects


def outcome(folder: Path, *, what_there_is: bool = False) -> Outcome:
    """All measurements of a run. Raises ResultsError that names the unreadable file.

    `what_there_is`: only the plan must be readable. Other unreadable files are listed in `unreadable`. An unreadable
    measurement makes its cell INVALID.
    """
    problems: list[str] | None = [] if what_there_is else None
    try:
        settings = plan_of(files.json_of(folder / "plan.json"))
    except (KeyError, TypeError, ValueError):  # pydantic's error is a ValueError
        raise ResultsError(f"{folder / 'plan.json'} has no plan that this version can read") from None
    kept = readable(folder, lambda: kept_scenarios.read(folder, files.json_of(folder / "plan.json")), problems) or {}
    cells = matrix.cells(settings, kept)
    first_stage, baseline = settings.rounds.first_stage, settings.rounds.baseline
    found = Outcome(settings.verdict, cells, claims=settings.claims, first_stage=first_stage, baseline=baseline)
    found.counted = bool((readable(folder, lambda: environment(folder), problems) or {}).get("counted", False))
    found.ceilings = readable(folder, lambda: _ceilings(folder, cells), problems) or Ceilings()
    found.parity = readable(folder, lambda: parity(folder / "parity.csv"), problems) or ()
    found.unreadable = [] if problems is None else problems
    rounds = sorted(path for path in (folder / "rounds").glob("[0-9][0-9]") if path.name != "00")
    for cell in cells:
        places = [place for one_round in rounds if (place := one_round / cell.slug).is_dir()]
        measured, remarks = [], []
        for place in places:
            try:
                one, difference = measurements.read(place, settings, cell)
                mine = _remade(place, settings, cell)
            except ResultsError as error:
                if not what_there_is:
                    raise
                problem, difference, mine = within(folder, error), "", []
                found.unreadable.append(problem)
                one = measurements.nothing(problem, settings, cell, unreadable=True)
            if one is not None:
                measured.append(one)
                if difference:
                    note = Note("", Kind.DISAGREES, difference)
                    mine.append(note)
                    found.disagreeing.append(replace(note, about=f"{cell.slug}, round {len(measured)}"))
                remarks.append(mine)
        if not measured:
            continue
        try:
            found.add_all(cell, measured, remarks)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            why = f"the window.json files of {cell.slug} do not fit together ({type(error).__name__}: {error})"
            if not what_there_is:
                raise ResultsError(why) from None
            found.unreadable.append(why)
            found.add_all(cell, [measurements.nothing(why, settings, cell, unreadable=True)])
    return found


def readable(folder: Path, read: Callable[[], T], problems: list[str] | None) -> T | None:
    """The result of `read`. If it fails, the problem is added to `problems` and the result is None.

    Raises ResultsError if `problems` is None.
    """
    try:
        return read()
    except ResultsError as error:
        if problems is None:
            raise
        problem = within(folder, error)
        if problem not in problems:
            problems.append(problem)
        return None


def within(folder: Path, error: Exception) -> str:
    """The message of an error without the path of the run, which does not help readers of the page."""
    return str(error).replace(f"{folder}/", "")


def plan_of(written: Mapping[str, Any]) -> Plan:
    """The plan of a plan.json. Raises KeyError, TypeError or ValueError if it has none."""
    values = dict(written["plan"])
    if values["load"]["rate"] is not None:
        values["load"] = {**values["load"], "rate_share": None}  # the rate was found from the share
    values["matrix"] = {"gc": [PYTHONS_OWN], "loop": [UVLOOP], **values["matrix"]}  # older runs had no choice
    return Plan.model_validate(values)


def something_measured(folder: Path) -> bool:
    """Whether a run's folder has files of a measurement, even of an unfinished one. True if that is unclear."""
    if any(folder.rglob(ceilings.PRINTED)) or (folder / "summary.csv").exists():
        return True
    found = (path for path in (folder / "rounds").rglob("*") if path.is_file())
    return any(
        path.name in {"window.json", "problem.txt"}
        or (path.name == SAMPLE_STREAM and path.stat().st_size > 0)
        or (path.name == "samples.parquet" and _has_rows(path))
        for path in found
    )


def _has_rows(path: Path) -> bool:
    try:
        return bool(pl.scan_parquet(path).select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError):
        return True


def _remade(place: Path, settings: Plan, cell: Cell) -> list[Note]:
    if not (place / FIRST_ATTEMPT).is_dir():
        return []
    first, _ = measurements.read(place / FIRST_ATTEMPT, settings, cell)
    disturbance = verdict.disturbance(first.evidence, settings.verdict) if first else ""
    return [verdict.remade(disturbance)] if disturbance else []


def _ceilings(folder: Path, cells: tuple[Cell, ...]) -> Ceilings:
    """The ceilings from ceilings.csv. The output of pgbench is preferred if it was kept: it is not rounded."""
    found, path = {}, folder / "ceilings.csv"
    if path.exists():
        columns = ("service", "pgbench_connections", "pgbench_rps")
        lines = csv_reading.read(path, columns, "a ceilings.csv of this suite", ended=True)
        rps = {
            (line.values["service"], line.figure("pgbench_connections")): figure
            for line in lines
            if (figure := line.figure("pgbench_rps")) is not None
        }
        of_cells = {cell.slug: one for cell in cells if (one := ceilings.of(cell))}
        # An earlier version had pgbench on more connections than the users could keep busy.
        found = {one: rps[slug, one.connections] for slug, one in of_cells.items() if (slug, one.connections) in rps}
    for number, alone in enumerate(ceilings.wanted(cells)):
        printed = folder / "pgbench" / f"{number:02d}" / ceilings.PRINTED
        if printed.exists():
            with suppress(LoadError):  # output that was cut off has no figure
                found[alone] = ceilings.requests_per_s(alone, printed.read_text(errors="replace"))
    return Ceilings(found)


def parity(path: Path) -> tuple[ParityRow, ...]:
    """The rows of parity.csv. Empty if the run ended before it was written."""
    if not path.exists():
        return ()
    lines = csv_reading.read(path, COLUMNS_OF_PARITY, "a parity.csv of this suite", ended=True)
    return tuple(ParityRow(**{name: line.values[name] for name in COLUMNS_OF_PARITY}) for line in lines)


def environment(folder: Path) -> dict[str, Any]:
    """The run's environment.json. Empty if the run ended before it was written. Raises ResultsError that names it."""
    path = folder / "environment.json"
    found = files.json_if_any(path)
    wrong = [name for name in OBJECTS if not isinstance(found.get(name, {}), dict)]
    wrong += [name for name, one in found.get("services", {}).items() if not isinstance(one, dict)] if not wrong else []
    if wrong:
        raise ResultsError(f"cannot read {path}: {wrong[0]!r} is no JSON object")
    return found
