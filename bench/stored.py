"""A run read back from its folder: everything that was measured, with nothing started."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from bench import ceilings, csv_reading, evidence, plan, samples, verdict
from bench.analysis import COLUMNS, Measurement
from bench.errors import ResultsError
from bench.evidence import Drift, Evidence, Machine
from bench.load_workers import LoadWorker
from bench.outcome import Ceilings, Outcome
from bench.parity import COLUMNS as COLUMNS_OF_PARITY
from bench.parity import Row
from bench.placement import Placement
from bench.plan import Cell, Plan
from bench.results import FIRST_ATTEMPT
from bench.samples import Window

T = TypeVar("T")
OBJECTS = ("machine", "database", "services")  # those of environment.json in which more is looked up by name


def outcome(folder: Path, *, what_there_is: bool = False) -> Outcome:
    """All measurements of a run. Raises ResultsError that names the file that cannot be read.

    `what_there_is`: only the plan must be readable. Any other file that is not is named in `unreadable` instead, and a
    measurement that cannot be read makes its cell INVALID.
    """
    lost: list[str] | None = [] if what_there_is else None
    try:
        settings = plan_of(json_of(folder / "plan.json"))
    except (KeyError, TypeError, ValueError):  # pydantic's error is a ValueError
        raise ResultsError(f"{folder / 'plan.json'} has no plan that this version can read") from None
    cells = plan.cells(settings)
    found = Outcome(settings.verdict, cells, claims=settings.claims)
    nothing: dict[str, Any] = {}
    no_rows: tuple[Row, ...] = ()
    found.counted = bool(readable(folder, lambda: environment(folder), nothing, lost).get("counted", False))
    found.ceilings = readable(folder, lambda: _ceilings(folder / "ceilings.csv", cells), Ceilings(), lost)
    found.parity = readable(folder, lambda: parity(folder / "parity.csv"), no_rows, lost)
    found.unreadable = [] if lost is None else lost
    rounds = sorted(path for path in (folder / "rounds").glob("[0-9][0-9]") if path.name != "00")
    for cell in cells:
        places = [place for one_round in rounds if (place := one_round / cell.slug).is_dir()]
        measured, remarks = [], []
        for number, place in enumerate(places, 1):
            try:
                one, remark = measurement(place, settings, cell), _remark(place, number, settings, cell)
            except (ResultsError, AttributeError, KeyError, TypeError, ValueError) as error:
                if not what_there_is:
                    raise
                named = isinstance(error, ResultsError)
                problem = _within(folder, error) if named else _not_understood(place, folder, error)
                found.unreadable.append(problem)
                one = Measurement(pl.DataFrame(), evidence.nothing(problem, cell.users, settings.load.arrival))
                remark = ""
            measured += [] if one is None else [one]
            remarks.append(remark)
        if measured:
            found.add_all(cell, measured, [remark for remark in remarks if remark])
    return found


def readable(folder: Path, read: Callable[[], T], otherwise: T, lost: list[str] | None) -> T:
    """What `read` reads of a run; `otherwise` where it cannot, and then why is added to `lost`.

    Raises ResultsError where there is no such list.
    """
    try:
        return read()
    except ResultsError as error:
        if lost is None:
            raise
        problem = _within(folder, error)
        if problem not in lost:
            lost.append(problem)
        return otherwise


def _within(folder: Path, error: Exception) -> str:
    """Without the path of the run, which says nothing to whoever reads its page."""
    return str(error).replace(f"{folder}/", "")


def _not_understood(place: Path, folder: Path, error: Exception) -> str:
    return f"cannot understand {(place / 'window.json').relative_to(folder)} ({type(error).__name__}: {error})"


def plan_of(written: Mapping[str, Any]) -> Plan:
    """The plan of a plan.json. Raises KeyError, TypeError or ValueError where it holds none."""
    values = dict(written["plan"])
    if values["load"]["rate"] is not None:
        values["load"] = {**values["load"], "rate_share": None}  # the rate is what was found for the share
    return Plan.model_validate(values)


def has_ended(place: Path) -> bool:
    """Whether a measurement's folder is whole: its window.json, or else its problem.txt, is written last."""
    return (place / "window.json").exists() or (place / "problem.txt").exists()


def measurement(place: Path, settings: Plan, cell: Cell) -> Measurement | None:
    """One measurement from its folder; None when it had not come to an end."""
    if (place / "problem.txt").exists():
        problem = (place / "problem.txt").read_text().partition("\n")[0]
        return Measurement(pl.DataFrame(), evidence.nothing(problem, cell.users, settings.load.arrival))
    if not has_ended(place):
        return None
    facts = json_of(place / "window.json")
    window = Window(facts["start_ns"], facts["end_ns"], facts["users"])
    try:
        kept = samples.read_kept(place / "samples.parquet")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"cannot read {place / 'samples.parquet'}: {error}") from None
    sent = samples.sent(samples.cut(kept, window, settings.load.arrival))
    return Measurement(sent.select(COLUMNS), _evidence(facts["evidence"]))


def _evidence(facts: Mapping[str, Any]) -> Evidence:
    """As `Evidence.as_dict` wrote it."""
    drift, seen = facts["drift"], facts["machine"]
    machine = None
    if seen is not None:
        busy = {int(number): share for number, share in seen["cpu_busy"].items()}
        machine = Machine(**{**seen, "cpu_busy": busy, "changed": tuple(seen["changed"])})
    placed = Placement(**{role: tuple(numbers) for role, numbers in facts["placement"].items()})
    workers = tuple(LoadWorker(**one) for one in facts.get("load_workers", ()))
    made = {"drift": drift and Drift(**drift), "machine": machine, "placement": placed, "load_workers": workers}
    return Evidence(**{**facts, **made})


def _remark(place: Path, number: int, settings: Plan, cell: Cell) -> str:
    first = measurement(place / FIRST_ATTEMPT, settings, cell) if (place / FIRST_ATTEMPT).is_dir() else None
    if first is None:
        return ""
    return f"round {number}: measured again after: {verdict.disturbance(first.evidence, settings.verdict)}"


def _ceilings(path: Path, cells: tuple[Cell, ...]) -> Ceilings:
    if not path.exists():
        return Ceilings()
    lines = csv_reading.read(path, ("service", "pgbench_rps"), "a ceilings.csv of this suite", ended=True)
    rps = {line.values["service"]: figure for line in lines if (figure := line.figure("pgbench_rps")) is not None}
    return Ceilings({ceilings.of(cell): rps[cell.slug] for cell in cells if cell.slug in rps})


def parity(path: Path) -> tuple[Row, ...]:
    """What the gate compared, from its file; nothing where a run ended before it was written."""
    if not path.exists():
        return ()
    lines = csv_reading.read(path, COLUMNS_OF_PARITY, "a parity.csv of this suite", ended=True)
    return tuple(Row(**{name: line.values[name] for name in COLUMNS_OF_PARITY}) for line in lines)


def environment(folder: Path) -> dict[str, Any]:
    """A run's environment.json; nothing where it ended before that was written. Raises ResultsError that names it."""
    path = folder / "environment.json"
    found = json_of(path) if path.exists() else {}
    wrong = [name for name in OBJECTS if not isinstance(found.get(name, {}), dict)]
    wrong += [name for name, one in found.get("services", {}).items() if not isinstance(one, dict)] if not wrong else []
    if wrong:
        raise ResultsError(f"cannot read {path}: {wrong[0]!r} is no JSON object")
    return found


def json_of(path: Path) -> dict[str, Any]:
    """Of one file of a run. Raises ResultsError that names it."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    if not isinstance(found, dict):
        raise ResultsError(f"cannot read {path}: it holds no JSON object")
    return found
