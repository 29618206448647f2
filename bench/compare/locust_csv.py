"""`_stats.csv` files of Locust itself, from this suite or any other: their rows side by side."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.store import csv_reading
from bench.store.csv_reading import CsvLine
from suite.errors import ResultsError

FIGURES = ("Request Count", "Failure Count", "Requests/s")
FAILED = "failed"  # the share of requests, which these files have no column for
REQUIRED = ("Type", "Name", *FIGURES)
PERCENTILE = re.compile(r"\d{1,2}(\.\d+)?%|100%")
LIMITS = (
    "One run each, so that there is no interval: a ratio may be noise, however far from 1.",
    "Locust rounds percentiles: from 100 ms on to two digits, below to a millisecond.",
    "Times of failed requests are among the percentiles, and failures among the requests/s.",
    "These files do not say on which machine and with which versions the runs were made.",
)


@dataclass(frozen=True)
class Ratio:
    """One figure of a row that both files have, as Locust gives it; `ratio` is new / old."""

    name: str
    metric: str
    old: float | None
    new: float | None

    @property
    def ratio(self) -> float | None:
        """New over old."""
        return self.new / self.old if self.new is not None and self.old else None


def read(path: Path) -> dict[tuple[str, str], CsvLine]:
    """Rows by type and name. Raises ResultsError that names the file, and the line or the column."""
    rows: dict[tuple[str, str], CsvLine] = {}
    for line in csv_reading.read(path, REQUIRED, "a _stats.csv of Locust"):
        key = line.text("Type"), line.text("Name")
        if key in rows:
            raise ResultsError(f"{path}, line {line.number}: a second row for {' '.join(key).strip()!r}; keep one")
        for column in FIGURES:
            line.figure(column)  # in every row, compared or not: it tells a damaged file
        rows[key] = line
    if not rows:
        raise ResultsError(f"{path}: it has no rows")
    return rows


def compare(old: Path, new: Path) -> tuple[tuple[Ratio, ...], list[str]]:
    """Requests/s, the share of failures where there were any, and every percentile that both files have; and in words
    what only one of them has. Raises ResultsError for a file that cannot be read, and where no row is in both.
    """
    before, after = read(old), read(new)
    shared = [key for key in after if key in before]
    if not shared:
        raise ResultsError(f"{old} and {new} have no row in common (Type and Name)")
    found = [ratio for key in shared for ratio in _ratios(before[key], after[key])]
    alone = [f"only in the old file: {_named(key)}" for key in before if key not in after]
    return tuple(found), alone + [f"only in the new file: {_named(key)}" for key in after if key not in before]


def _ratios(old: CsvLine, new: CsvLine) -> list[Ratio]:
    name = _named((new.text("Type"), new.text("Name")))
    failed = _failed(old), _failed(new)
    shares = [Ratio(name, FAILED, *failed)] if any(failed) else []
    percentiles = [column for column in new.values if PERCENTILE.fullmatch(column) and column in old.values]
    figures = [Ratio(name, column, old.figure(column), new.figure(column)) for column in ("Requests/s", *percentiles)]
    return figures[:1] + shares + figures[1:]


def _failed(line: CsvLine) -> float | None:
    requests, failures = line.figure("Request Count"), line.figure("Failure Count")
    return failures / requests if requests and failures is not None else None


def _named(key: Sequence[str]) -> str:
    return " ".join(part for part in key if part)
