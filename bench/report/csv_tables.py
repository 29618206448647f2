"""The CSVs that a run leaves: made of its analysis after each cell, and again by `bench report`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl

from bench.analysis import sweeps
from bench.analysis.analysis import Analysis, Ceiling
from bench.analysis.pairs import Pair
from bench.analysis.profiling import profile
from bench.analysis.rulings import Ruling
from bench.plan.matrix import Cell
from bench.plan.model import Load
from bench.report import typed
from bench.store import csv_reading, files
from bench.store.rows import SUMMARY, Origin, summary_rows
from services.contract.operations import OPERATIONS
from suite import csv_writing
from suite.errors import ResultsError

RUN = "run_id"  # the key that all tables of a run share; behind the others, whose places stay as they were
COMPARISON = (*(field.name for field in fields(Pair)), RUN)
CEILINGS = (*(field.name for field in fields(Ceiling)), RUN)
CLAIMS = (*(field.name for field in fields(Ruling)), RUN)
SWEEPS = (*sweeps.COLUMNS, RUN)
PROFILE = (*profile.COLUMNS, RUN)
ColumnsAndRows = tuple[tuple[str, ...], list[Mapping[str, Any]]]
LOCUST_PERCENTILES = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)
LOCUST_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
)  # fmt: skip


def write(folder: Path, load: Load, found: Analysis, cells: Iterable[Cell]) -> None:
    """Write every table of a run into its folder, and the statistics of these cells. Raises UnwritableError.

    Beside each table is the same one as Parquet, and the data package has the types of all columns.
    """
    rows = tables(origin(folder), load, found)
    texts = as_text(rows)
    texts[typed.PACKAGE] = typed.package(folder.name, {name: columns for name, (columns, _) in rows.items()})
    for cell in cells:
        if text := statistics(found, cell):
            texts[f"{cell.slug}_stats.csv"] = text
    for name, text in texts.items():
        files.write_whole(folder / name, text)
    for name, (columns, lines) in rows.items():
        with files.whole((folder / name).with_suffix(".parquet")) as beside:
            beside.write_bytes(typed.parquet(columns, lines))


def obstacle(folder: Path, found: Analysis) -> str:
    """In words, why a stored run's tables are not to be written again: they would say less than they do; or nothing."""
    if (files.json_object(folder / "status.json") or {}).get("state") == "running":
        return "status.json says that the run is still going on"
    if found.unreadable:
        return "not everything that they are made of can be read"
    counted = _rounds(folder / "summary.csv")
    known = sum(one.rounds + len(one.lost.rounds) for one in found.results)  # an older version left none out
    if counted > known:
        return f"summary.csv is of {counted} measurements, and samples of {known} are left"
    return ""


def _rounds(summary: Path) -> int:
    """How many measurements a summary.csv is of; 0 for one that cannot be read."""
    try:
        lines = csv_reading.read(summary, ("operation", "rounds"), "a summary.csv of this suite", ended=True)
        return sum(int(line.figure("rounds") or 0) for line in lines if line.values["operation"] == "all")
    except ResultsError:
        return 0


def origin(folder: Path) -> Origin:
    """What a run's files say of when it started, and of the code that measured it."""
    status, seen = (files.json_object(folder / name) or {} for name in ("status.json", "environment.json"))
    commit = seen["git"].get("commit") if isinstance(seen.get("git"), dict) else None
    return Origin(folder.name, str(status.get("started_at") or ""), str(commit or ""))


def as_text(rows: Mapping[str, ColumnsAndRows]) -> dict[str, str]:
    """The text of each table by the name of its file."""
    return {name: csv_writing.csv_text(*table) for name, table in rows.items()}


def tables(of_run: Origin, load: Load, found: Analysis) -> dict[str, ColumnsAndRows]:
    """Each table by the name of its file. There is none of sweeps, claims or layers where a run has none."""
    key = {RUN: of_run.run_id}
    rows: dict[str, ColumnsAndRows] = {
        "summary.csv": (SUMMARY, [*summary_rows(of_run, load, found.results)]),
        "comparison.csv": (COMPARISON, [key | asdict(one) for one in found.pairs]),
        "sweeps.csv": (SWEEPS, [key | one for one in sweeps.rows(found.curves)]),
        "ceilings.csv": (CEILINGS, [key | asdict(one) for one in found.ceilings]),
        "claims.csv": (CLAIMS, [key | asdict(one) for one in found.rulings]),
        "profile.csv": (PROFILE, [key | one for one in profile.rows(found.profiles)]),
    }
    empty = {name for name in ("sweeps.csv", "claims.csv", "profile.csv") if not rows[name][1]}
    return {name: table for name, table in rows.items() if name not in empty}


def statistics(found: Analysis, cell: Cell) -> str:
    """A cell's `_stats.csv`; empty where it came to no window."""
    whole = [one for one in found.measured[cell] if one.length_s]
    if not whole:
        return ""
    pooled, length_s = pl.concat([one.samples for one in whole]), sum(one.length_s for one in whole)
    return csv_writing.csv_text(LOCUST_COLUMNS, locust_rows(pooled, length_s))


def locust_rows(samples: pl.DataFrame, length_s: float) -> list[dict[str, Any]]:
    """Rows of a `_stats.csv` in Locust's layout, from exact samples: one an operation, then Aggregated.

    As in Locust's own, times (ms) and percentiles are over all requests that were sent, failed ones included. Rates are
    of those that ended in the windows.
    """
    samples = samples.filter(~pl.col("missed"))
    names = sorted(samples["operation"].unique())
    parts = [(_method(name), name, samples.filter(pl.col("operation") == name)) for name in names]
    return [_locust_row(*part, length_s) for part in (*parts, ("", "Aggregated", samples))]


def _method(operation: str) -> str:
    return OPERATIONS[operation].method if operation in OPERATIONS else "GET"


def _locust_row(method: str, name: str, frame: pl.DataFrame, length_s: float) -> dict[str, Any]:
    begun, completed = frame.filter("begun"), frame.filter("completed")
    times_ms = begun["latency_ns"].sort() / 1e6
    count, failures = len(begun), int((~begun["ok"]).sum())
    if not count:
        return dict(zip(LOCUST_COLUMNS, [method, name, 0, 0], strict=False))
    # Every percentile that Locust's layout has a column for, exact or not: rank rounded up, without a minimum.
    ranks = [times_ms[max(0, -int(-share * count // 1) - 1)] for share in LOCUST_PERCENTILES]
    figures = [times_ms.median(), times_ms.mean(), times_ms.min(), times_ms.max(), begun["body_bytes"].mean()]
    rates = [len(completed) / length_s, int((~completed["ok"]).sum()) / length_s]
    return dict(
        zip(
            LOCUST_COLUMNS,
            [method, name, count, failures, *figures, *rates, *ranks],
            strict=True,
        )
    )
