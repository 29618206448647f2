"""Reads CSV files of this suite, and tables from any source: by column name, with errors that name file and line."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite.errors import ResultsError

UNKNOWN = ("", "N/A")  # Locust writes N/A if there was no request


@dataclass(frozen=True)
class CsvLine:
    """A row by column name, with its source and line number. `decimal` is what its figures have for a point."""

    source: str
    number: int
    values: dict[str, str]
    decimal: str = "."

    def text(self, column: str) -> str:
        """The text of a column, without characters that could control a terminal or an editor."""
        return plain(self.values[column])

    def figure(self, column: str) -> float | None:
        """The finite number >= 0 of a column. None if the column is empty. Raises ResultsError for anything else."""
        text = self.values[column].strip()
        if text in UNKNOWN:
            return None
        is_mixed = self.decimal != "." and "." in text
        try:
            value = math.nan if is_mixed else float(text.replace(self.decimal, "."))
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < 0:
            mixed = "; other figures of the file have a decimal comma, so write this one with a comma, too"
            raise ResultsError(
                f"{self.source}, line {self.number}: {column} is {plain(text)!r}, not a finite number from 0 on"
                f"{mixed if is_mixed else ''}"
            )
        return value


@dataclass(frozen=True)
class CsvTable:
    """A header, with its line number, and all rows, each as long as the header."""

    source: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    first: int = 1
    decimal: str = "."

    def lines(self, required: Sequence[str], kind: str) -> list[CsvLine]:
        """By column name. Raises ResultsError where one of `required` is missing, or is there twice."""
        missing = [name for name in required if name not in self.header]
        if missing:
            raise ResultsError(f"{self.source}, line {self.first}: no column {', '.join(missing)}; is it {kind}?")
        if twice := [name for name in required if self.header.count(name) > 1]:
            raise ResultsError(f"{self.source}, line {self.first}: column {twice[0]} is there twice; remove one")
        return [
            CsvLine(self.source, number, dict(zip(self.header, row, strict=True)), self.decimal)
            for number, row in self.rows
        ]

    def with_decimal_comma(self, texts: Sequence[str]) -> "CsvTable":
        """The same, where any column but those of `texts` has a number with a comma."""
        figures = [number for number, name in enumerate(self.header) if name not in texts]
        cells = (row[number] for _, row in self.rows for number in figures)
        is_so = any("," in cell and cell.strip().replace(",", "", 1).isdecimal() for cell in cells)
        return replace(self, decimal=",") if is_so else self


def read(path: Path, required: Sequence[str], kind: str, *, ended: bool = False) -> list[CsvLine]:
    """All rows of a file that has at least the `required` columns, in any order.

    A byte-order mark, CRLF, blank lines and more columns do not matter. `ended`: the last line must end with a newline,
    as in all files of this suite. Raises ResultsError that names the file and the line or column if the file is not
    CSV, lacks a column, has a row of the wrong length, or was cut off.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None
    text = decoded(content, "utf-8-sig", str(path))
    lines = table(text, str(path)).lines(required, kind)
    if ended and not text.endswith("\n"):
        raise ResultsError(f"{path}, line {text.count(chr(10)) + 1}: it has no end; was the file cut off?")
    return lines


def decoded(content: bytes, encoding: str, source: str) -> str:
    """As text. Raises ResultsError that names the line of the first byte that is none."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        number, byte = content[: error.start].count(b"\n") + 1, content[error.start]
        name = encoding.removesuffix("-sig").upper()
        raise ResultsError(
            f"{source}, line {number}: the byte 0x{byte:02x} is not {name}; save the file as CSV in UTF-8"
        ) from None


def table(
    text: str,
    source: str,
    *,
    separator: str = ",",
    skipped: int = 0,
    is_foreign: bool = False,
    renamed: Callable[[str], str] = str.strip,
) -> CsvTable:
    """The rows of a text, `skipped` lines being before it. Raises ResultsError that names the line.

    `is_foreign`: a spreadsheet may have saved it, so that rows without any text are none, and empty cells behind the
    last column do not count.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend((reader.line_num + skipped, row) for row in reader if ("".join(row).strip() if is_foreign else row))
    except csv.Error as error:
        where = f"{source}, line {reader.line_num + skipped}"
        raise ResultsError(f"{where}: it is not CSV ({error}); a quote inside a cell must be doubled") from None
    if not rows:
        return CsvTable(source, (), (), 1 + skipped)
    (first, header), *others = rows
    for number, row in others:
        while is_foreign and len(row) > len(header) and not row[-1].strip():
            row.pop()
        if len(row) != len(header):
            cut = "was the file cut off?" if len(row) < len(header) else f"is there a {SEPARATORS[separator]} too many?"
            raise ResultsError(f"{source}, line {number}: {len(row)} columns where the header has {len(header)}; {cut}")
    return CsvTable(source, tuple(map(renamed, header)), tuple(others), first)


SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def plain(text: str) -> str:
    """Text from outside, without control characters, line ends and marks that change the direction of writing."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
