"""What a comparison needs of a run, read from its folder: figures, and the facts in which runs differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.analysis import analysis
from bench.analysis.analysis import Analysis
from bench.analysis.summary import OperationSummary
from bench.compare.causes import RunConditions
from bench.compare.cells import IDENTITY, OperationFigures
from bench.plan import metrics
from bench.plan.metrics import Known, Place
from bench.plan.model import Load, Plan
from bench.plan.note import Kind, Note
from bench.store import csv_reading, files, runs, stored
from bench.store.csv_reading import CsvLine, plain
from bench.store.rows import Origin, summary_rows
from suite.errors import BenchError, ResultsError

METRICS = metrics.names(Place.COMPARE)
OF_ALL_TOGETHER = {"failure_ratio"}  # each further figure that is compared makes all intervals wider
OF_AN_OPERATION = tuple(
    one.name for one in metrics.in_(Place.COMPARE) if one.known is Known.OPERATION and one.name not in OF_ALL_TOGETHER
)


@dataclass(frozen=True)
class StoredRun:
    """A run's figures and facts. `remarks` are what could not be read, or disagrees."""

    name: str
    figures: tuple[OperationFigures, ...]
    facts: RunConditions
    remarks: tuple[Note, ...] = ()


def read(folder: Path) -> StoredRun:
    """From the samples, or where they cannot be read from summary.csv. Raises ResultsError where that fails, too."""
    name, planned = folder.resolve().name, files.json_object(folder / "plan.json")
    plan, why = _plan(planned)
    remarks = [Note("", Kind.UNFINISHED, f"the {state} run {plain(name)}") for state in _unfinished(folder)]
    lost: list[str] = []
    environment = stored.readable(folder, lambda: stored.environment(folder), lost)
    remarks += [_note(name, Kind.UNREADABLE, problem) for problem in lost]
    written = plan.model_dump() if plan else (planned or {}).get("plan")
    facts = RunConditions(environment or None, written if isinstance(written, dict) else None)
    status = files.json_object(folder / "status.json") or {}
    remarks += [_note(name, Kind.RESUMED, line) for line in runs.resumed_in_words(status)]
    figures: tuple[OperationFigures, ...] = ()
    if plan is not None:
        try:
            found = analysis.of(stored.outcome(folder))
            figures = of_run(found, plan.load)
            remarks += [_note(name, one.kind, str(one)) for one in found.disagreeing]
            why = "" if figures else "there are no samples"
        except BenchError as error:
            why = stored.within(folder, error)  # a page that is passed on names no path of this machine
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # a window.json of another version
            why = f"the files of its rounds cannot be understood ({type(error).__name__}: {error})"
    if why:
        figures = of_summary(folder / "summary.csv")
        text = f"{why}; its figures are those of summary.csv, without intervals"
        remarks.append(_note(name, Kind.UNREADABLE, text))
    return StoredRun(plain(name), figures, facts, tuple(remarks))


def _note(name: str, kind: Kind, text: str) -> Note:
    """Without what a terminal or an editor might act upon."""
    return Note(plain(name), kind, plain(text))


def of_run(found: Analysis, load: Load) -> tuple[OperationFigures, ...]:
    """Of every cell: all operations together, then each by name."""
    figures = []
    for result in found.results:
        rows = summary_rows(Origin(""), load, [result])
        for operation, row in zip(result.operations, rows, strict=True):
            known = METRICS if operation.operation == "all" else OF_AN_OPERATION
            figures.append(
                OperationFigures(
                    identity=_identity({name: row[name] for name in IDENTITY}),
                    operation=operation.operation,
                    verdict=result.verdict.name,
                    whole={metric: row[metric] for metric in METRICS},
                    rounds={metric: operation.of_rounds(metric, counting=True) for metric in known},
                    numbers=[number for number, one in enumerate(operation.rounds, 1) if one],
                    round_count=result.rounds,
                    offered_rps=row["offered_rps"],
                    first_stage=_counting(operation),
                    once=result.cell.once,
                    requests=operation.requests,
                    failures=operation.failures,
                )
            )
    return tuple(figures)


def _counting(operation: OperationSummary) -> int | None:
    """How many rounds of the first stage count."""
    return None if operation.first_stage is None else sum(map(bool, operation.rounds[: operation.first_stage]))


def of_summary(path: Path) -> tuple[OperationFigures, ...]:
    """Of every row, without rounds. Raises ResultsError that names the file, and the line or the column."""
    columns = ("operation", "verdict", "rounds", "offered_rps", "requests", "failures", *IDENTITY, *METRICS)
    lines = csv_reading.read(path, columns, "a summary.csv of this suite", ended=True)
    return tuple(_of_line(line) for line in lines)


def _of_line(line: CsvLine) -> OperationFigures:
    return OperationFigures(
        identity=_identity({name: line.text(name) for name in IDENTITY}),
        operation=line.text("operation"),
        verdict=line.text("verdict"),
        whole={metric: line.figure(metric) for metric in METRICS},
        round_count=int(line.figure("rounds") or 0),
        offered_rps=line.figure("offered_rps"),
        requests=_count(line, "requests"),
        failures=_count(line, "failures"),
    )


def _count(line: CsvLine, name: str) -> int | None:
    value = line.figure(name)
    return None if value is None else int(value)


def _identity(values: dict[str, Any]) -> tuple[str, ...]:
    return tuple("" if values[name] is None else plain(str(values[name])) for name in IDENTITY)


def _plan(planned: dict[str, Any] | None) -> tuple[Plan | None, str]:
    """The plan, with the defaults of this version for what it does not say; or why there is none."""
    if planned is None:
        return None, "plan.json is missing or cannot be read"
    try:
        return stored.plan_of(planned), ""
    except (KeyError, TypeError, ValueError):  # pydantic's error is a ValueError
        return None, "plan.json has a plan that this version cannot read"


def _unfinished(folder: Path) -> list[str]:
    state = str((files.json_object(folder / "status.json") or {}).get("state", "finished"))
    return [] if state == "finished" else [state]


def plan_name(folder: Path) -> str:
    """Of plan.json. Raises ResultsError where a run has none."""
    planned = files.json_object(folder / "plan.json")
    if planned is None:
        raise ResultsError(f"cannot read {folder / 'plan.json'}; name two runs to compare")
    return str(planned.get("name", ""))
