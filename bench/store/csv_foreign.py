"""Reads tables that other programs wrote: compressed or not, in the encodings and with the separators they use."""

import gzip
import re
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.store import csv_reading
from bench.store.csv_reading import SEPARATORS, CsvTable
from suite.errors import ResultsError

STANDARD_INPUT = "-"
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
# UTF-32 begins as UTF-16 does, so it comes first.
MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# A spreadsheet's own first line. One that was saved again has empty cells behind it.
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*[ ]*(?:\r\n|\r|\n)', re.IGNORECASE)
# Locust before 1.1 wrote names between quotes, and quotes inside them as they were.
RAW_NAME = re.compile(r'^("[^"\n]*",)?"(.*)"((?:,(?:[\d.]+|"N/A"))+\r?)$', re.MULTILINE)


def table(name: str, renamed: Callable[[str], str], texts: Sequence[str]) -> CsvTable:
    """The table of a file, or of standard input (`-`). `texts` are the columns that hold no figures.

    Raises ResultsError that names the file, and where there is one the line.
    """
    source, content = _content(name)
    encoding = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and b"\0" in content[:1000]:
        raise ResultsError(f"{source}, line 1: it has zero bytes, as UTF-16 does; save the file as CSV in UTF-8")
    text = csv_reading.decoded(content, encoding, source)
    separator, skipped = "", 0
    if found := SEPARATOR_LINE.match(text):
        separator, skipped, text = found[1], 1, text[found.end() :]
    separator = separator or _separator(text)

    def parsed(text: str) -> CsvTable:
        return csv_reading.table(text, source, separator=separator, skipped=skipped, is_foreign=True, renamed=renamed)

    try:
        made = parsed(text)
    except ResultsError:
        if (doubled := RAW_NAME.sub(_doubled, text)) == text:
            raise
        made = parsed(doubled)
    return made if separator == "," else made.with_decimal_comma(texts)


def _content(name: str) -> tuple[str, bytes]:
    source = "standard input" if name == STANDARD_INPUT else name
    try:
        if name != STANDARD_INPUT:
            content = Path(name).read_bytes()
        elif sys.stdin is None:
            raise ResultsError("cannot read standard input: it is closed")
        else:
            content = sys.stdin.buffer.read()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or f"it is damaged ({error})"
        raise ResultsError(f"cannot read {source}: {reason}") from None
    if content.startswith(ZIP):
        raise ResultsError(f"cannot read {source}: it is a spreadsheet or an archive; save the sheet as CSV")
    return source, content


def _doubled(line: re.Match[str]) -> str:
    before, name, figures = line.groups(default="")
    doubled = name.replace('"', '""')
    return f'{before}"{doubled}"{figures}'


def _separator(text: str) -> str:
    """The one that the header has most of. No column of Locust has a semicolon or a tab in its name."""
    header = next((line for line in text.splitlines() if line.strip(",;\t| ")), "")
    return max(SEPARATORS, key=header.count)
