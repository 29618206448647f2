"""The files that Locust's versions wrote since 0.11: their columns under the names of today, their rows by name."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from bench.store import csv_foreign
from bench.store.csv_foreign import STANDARD_INPUT
from bench.store.csv_reading import CsvLine, CsvTable
from suite.errors import ResultsError

TYPE, NAME, REQUESTS, FAILURES, RATE = "Type", "Name", "Request Count", "Failure Count", "Requests/s"
AVERAGE, MEDIAN = "Average Response Time", "Median Response Time"
REQUIRED = (TYPE, NAME, REQUESTS, FAILURES, RATE)
ALL = "Aggregated"
# As Locust until 0.14 named them: as Locust from 1.0 on does.
RENAMED = {
    "Method": TYPE,
    "# requests": REQUESTS,
    "# failures": FAILURES,
    "Median response time": MEDIAN,
    "Average response time": AVERAGE,
    "99.999": "99.999%",
}
PERCENTILE = re.compile(r"(\d{1,2}|100)(?:[.,](\d+))?\s?%")
# What else Locust and this suite write: a column that only this file has, what it is, and what to name instead.
OTHERS = {
    "Timestamp": ("a _stats_history.csv of Locust, with many rows for each name", "name the _stats.csv beside it"),
    "Occurrences": ("a _failures.csv of Locust, without any times", "name the _stats.csv beside it"),
    "Traceback": ("an _exceptions.csv of Locust, without any times", "name the _stats.csv beside it"),
    "verdict": ("a summary.csv of this suite", "name the folders of two runs"),
}

Rows = Mapping[str, Mapping[str, float | None]]
"""The figures of each row by column, by the row's type and name."""


def column(heading: str) -> str:
    """The name that Locust of today gives a column. A spreadsheet may have made `99,90 %` of `99.9%`."""
    heading = heading.strip()
    if found := PERCENTILE.fullmatch(heading):
        digits = (found[2] or "").rstrip("0")
        return f"{found[1]}.{digits}%" if digits else f"{found[1]}%"
    return RENAMED.get(heading, heading)


@lru_cache
def is_percentile(name: str) -> bool:
    """Whether a column, as named by `column`, holds a percentile."""
    return PERCENTILE.fullmatch(name) is not None


def read(name: str) -> Rows:
    """The rows of a file, or of standard input (`-`).

    Until 0.13.0 Locust wrote percentiles into a `_distribution.csv` of their own. It is read, too, where it lies beside
    a `_requests.csv`; it may also be read alone. Raises ResultsError that names the file, and the line or the column.
    """
    table = _table(name)
    if _is_distribution(table):
        rows = _distribution(table)
    else:
        rows = _requests(table)
        beside = _beside(name, table)
        if beside is not None:
            found = _distribution(_table(beside))
            rows = {row: figures | found.get(row, {}) for row, figures in rows.items()}
    if not rows:
        raise ResultsError(f"{table.source}: it has no rows; let the test run until requests have ended")
    return rows


def _table(name: str) -> CsvTable:
    table = csv_foreign.table(name, column, (TYPE, NAME))
    for heading, (what, instead) in OTHERS.items():
        if heading in table.header:
            raise ResultsError(f"{table.source}, line {table.first}: it is {what}; {instead}")
    return table


def _is_distribution(table: CsvTable) -> bool:
    return TYPE not in table.header and {NAME, REQUESTS, "50%"} <= set(table.header)


def _beside(name: str, table: CsvTable) -> str | None:
    """The `_distribution.csv` that belongs to a `_requests.csv` without percentiles."""
    before, found, after = name.rpartition("_requests.csv")
    if name == STANDARD_INPUT or not found or any(map(is_percentile, table.header)):
        return None
    path = f"{before}_distribution.csv{after}"
    return path if Path(path).is_file() else None


def _requests(table: CsvTable) -> dict[str, dict[str, float | None]]:
    lines = table.lines(REQUIRED, "a _stats.csv of Locust")
    wanted = [REQUESTS, FAILURES, RATE, *_once(table, lambda one: one == AVERAGE or is_percentile(one))]
    has_median = "50%" not in wanted and MEDIAN in table.header
    named = [(_named(line.text(TYPE), line.text(NAME)), line) for line in lines]
    has_all = any(name == ALL for name, _ in named)
    rows: dict[str, dict[str, float | None]] = {}
    for name, line in named:
        figures = {one: line.figure(one) for one in wanted}
        if has_median:
            figures["50%"] = line.figure(MEDIAN) if figures[REQUESTS] else None
        _add(rows, name if has_all else _total(name), line, figures)
    return rows


def _distribution(table: CsvTable) -> dict[str, dict[str, float | None]]:
    """A row without requests has no type, and nothing else."""
    rows: dict[str, dict[str, float | None]] = {}
    wanted = [REQUESTS, *_once(table, is_percentile)]
    for line in table.lines((NAME, REQUESTS), "a _distribution.csv of Locust"):
        figures = {one: line.figure(one) for one in wanted}
        if figures[REQUESTS]:
            _add(rows, _total(line.text(NAME)), line, figures)
    return rows


def _once(table: CsvTable, is_wanted: Callable[[str], bool]) -> list[str]:
    found = [one for one in table.header if is_wanted(one)]
    if twice := [one for one in found if found.count(one) > 1]:
        raise ResultsError(f"{table.source}, line {table.first}: column {twice[0]} is there twice; remove one")
    return found


def _add(rows: dict[str, dict[str, float | None]], name: str, line: CsvLine, figures: dict[str, float | None]) -> None:
    if name in rows:
        raise ResultsError(f"{line.source}, line {line.number}: a second row for {name!r}; keep one")
    rows[name] = figures


def _named(kind: str, name: str) -> str:
    """Locust before 1.1 wrote None where a row has no type."""
    return name if kind in {"", "None"} else f"{kind} {name}"


def _total(name: str) -> str:
    """Locust before 0.12 called the row of all requests Total."""
    return ALL if name == "Total" else name
