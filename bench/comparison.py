"""Two runs side by side: the ratio of each figure, cell by cell, without a claim about what is noise."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import ResultsError

KEY = (
    "scenario", "operation", "service", "profile", "server", "workers", "pool_size", "parameters", "arrival", "users",
)  # fmt: skip
METRICS = ("throughput_rps", "latency_p50_ms", "latency_p99_ms", "failure_ratio")
COLUMNS = (*KEY, "metric", "old", "new", "ratio")


@dataclass(frozen=True)
class Ratio:
    """One figure of one cell in both runs; `ratio` is new / old, None where that means nothing."""

    cell: tuple[str, ...]
    metric: str
    old: float | None
    new: float | None

    @property
    def ratio(self) -> float | None:
        """New over old."""
        return self.new / self.old if self.new is not None and self.old else None

    def row(self) -> dict[str, Any]:
        """For compare.csv."""
        figures = {name: value for name, value in asdict(self).items() if name != "cell"}
        return dict(zip(KEY, self.cell, strict=True)) | figures | {"ratio": self.ratio}


def read_summary(path: Path) -> list[dict[str, str]]:
    """Rows of a summary.csv, by column name. Raises ResultsError that names the file, the line and the column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    missing = [name for name in (*KEY, *METRICS) if name not in (reader.fieldnames or ())]
    if missing:
        raise ResultsError(f"{path}: no column {', '.join(missing)}; is it a summary.csv of this suite?")
    for line, row in enumerate(rows, 2):
        for name in (*KEY, *METRICS):
            if row[name] is None:
                raise ResultsError(f"{path}, line {line}: it ends before column {name}; was the file cut off?")
        for name in METRICS:
            _number(path, line, name, row[name])
    return rows


def compare(old: Sequence[Mapping[str, str]], new: Sequence[Mapping[str, str]]) -> tuple[tuple[Ratio, ...], list[str]]:
    """The ratios of all cells that both have, and what only one has (in words)."""
    before, after = ({tuple(row[name] for name in KEY): row for row in rows} for rows in (old, new))
    shared = [cell for cell in before if cell in after]
    ratios = tuple(
        Ratio(cell, metric, _float(before[cell][metric]), _float(after[cell][metric]))
        for cell in shared
        for metric in METRICS
    )
    only = [f"only in the old run: {_named(cell)}" for cell in before if cell not in after and cell[1] == "all"]
    only += [f"only in the new run: {_named(cell)}" for cell in after if cell not in before and cell[1] == "all"]
    return ratios, only


def _named(cell: tuple[str, ...]) -> str:
    return (
        f"{cell[2]}, {cell[0]} ({', '.join(f'{name} {value}' for name, value in zip(KEY[3:], cell[3:], strict=True))})"
    )


def _float(text: str) -> float | None:
    return float(text) if text else None


def _number(path: Path, line: int, column: str, text: str) -> None:
    try:
        _float(text)
    except ValueError:
        raise ResultsError(f"{path}, line {line}: {column} is {text!r}, not a number") from None
