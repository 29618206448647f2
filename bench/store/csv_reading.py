"""Reads CSV files from any source: by column name, with errors that name the file and the line."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.errors import ResultsError

UNKNOWN = ("", "N/A")  # Locust writes N/A if there was no request


@dataclass(frozen=True)
class CsvLine:
    """A row by column name, with its file and line number."""

    path: Path
    number: int
    values: dict[str, str]

    def text(self, column: str) -> str:
        """The text of a column, without characters that could control a terminal or an editor."""
        return plain(self.values[column])

    def figure(self, column: str) -> float | None:
        """The finite number >= 0 of a column. None if the column is empty. Raises ResultsError for anything else."""
        text = self.values[column].strip()
        if text in UNKNOWN:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < 0:
            raise ResultsError(
                f"{self.path}, line {self.number}: {column} is {plain(text)!r}, not a finite number from 0 on"
            )
        return value


def read(path: Path, required: Sequence[str], kind: str, *, ended: bool = False) -> list[CsvLine]:
    """All rows of a file that has at least the `required` columns, in any order.

    A byte-order mark, CRLF, blank lines and more columns do not matter. `ended`: the last line must end with a newline,
    as in all files of this suite. Raises ResultsError that names the file and the line or column if the file is not
    CSV, lacks a column, has a row of the wrong length, or was cut off.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    header = [name.strip() for name in rows[0][1]] if rows else []
    missing = [name for name in required if name not in header]
    if missing:
        raise ResultsError(f"{path}, line 1: no column {', '.join(missing)}; is it {kind}?")
    if twice := [name for name in required if header.count(name) > 1]:
        raise ResultsError(f"{path}, line 1: column {twice[0]} is there twice; remove one")
    for number, row in rows[1:]:
        if len(row) != len(header):
            cut = "was the file cut off?" if len(row) < len(header) else "is there a comma too many?"
            raise ResultsError(f"{path}, line {number}: {len(row)} columns where the header has {len(header)}; {cut}")
    if ended and not text.endswith("\n"):
        raise ResultsError(f"{path}, line {reader.line_num}: it has no end; was the file cut off?")
    return [CsvLine(path, number, dict(zip(header, row, strict=True))) for number, row in rows[1:]]


def plain(text: str) -> str:
    """Text from outside, without control characters, line ends and marks that change the direction of writing."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
