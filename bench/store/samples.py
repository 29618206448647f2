"""Reads samples from the stream that the load wrote, and stores them as parquet."""

import json
import operator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from bench.analysis.recorded.windows import Mark
from bench.store import files
from suite.errors import ResultsError
from suite.records import RECORD

SAMPLE_STREAM = "samples.bin"
HEAD_BYTES = 1_000_000  # all workers join before the first sample


def read_stream(path: Path) -> tuple[pl.DataFrame, tuple[Mark, ...]]:
    """The samples of a stream, one row for each request in the order of recording, and the marks.

    A stream that was cut off gives its complete blocks. Raises ResultsError for a file that is not a sample stream.
    """
    data, position = path.read_bytes(), 0
    frames: list[pl.DataFrame] = []
    marks: list[Mark] = []
    while (line_end := data.find(b"\n", position)) >= 0:
        try:
            head = json.loads(data[position:line_end])
            size = operator.index(head["records"]) * RECORD.itemsize
            if head.get("event"):
                marks.append(_mark(head))
            if line_end + 1 + size > len(data):
                break
            if size:
                frames.append(_frame(np.frombuffer(data, RECORD, head["records"], line_end + 1), head))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, PolarsError):
            raise ResultsError(f"{path}: not a sample stream at byte {position}") from None
        position = line_end + 1 + size
    nothing = _frame(np.empty(0, RECORD), {"operations": [], "errors": []})
    return pl.concat(frames) if frames else nothing, tuple(marks)


def joined(stream: Path) -> int:
    """How many load workers have joined, from the stream of a load that has not sent requests yet."""
    try:
        with stream.open("rb") as file:
            lines = file.read(HEAD_BYTES).split(b"\n")
    except OSError:
        return 0
    count = 0
    for line in lines:
        try:
            head = json.loads(line)
        except ValueError:  # an incomplete line, or the first sample
            return count
        count += {"joined": 1, "lost": -1}.get(head.get("event"), 0)
    return count


class Follower:
    """Reads the marks of a stream while a load writes it."""

    def __init__(self, stream: Path) -> None:
        self._stream, self._position = stream, 0
        self.marks: list[Mark] = []

    def look(self) -> list[Mark]:
        """All marks so far."""
        try:
            with self._stream.open("rb") as file:
                while True:
                    file.seek(self._position)
                    line = file.readline()
                    if not line.endswith(b"\n"):  # it is still being written
                        return self.marks
                    head = json.loads(line)
                    if head.get("event"):
                        self.marks.append(_mark(head))
                    self._position += len(line) + head["records"] * RECORD.itemsize
        except FileNotFoundError:
            return self.marks


def _mark(head: dict[str, Any]) -> Mark:
    return Mark(
        head["event"],
        int(head["at_ns"]),
        int(head["users"]),
        int(head.get("reconnects", 0)),
        str(head.get("worker", "")),
        float(head.get("cpu_s", 0.0)),
        dict(head.get("workers", {})),
        None if head.get("begun") is None else int(head["begun"]),
    )


def _frame(records: np.ndarray[Any, Any], head: dict[str, Any]) -> pl.DataFrame:
    columns = {name: np.ascontiguousarray(records[name]) for name in RECORD.names or ()}
    operations, errors = pl.Series(head["operations"], dtype=pl.String), pl.Series(head["errors"], dtype=pl.String)
    offset_ns = int(head.get("offset_ns", 0))
    return pl.DataFrame(columns).with_columns(
        pl.col("intended_ns", "start_ns") + offset_ns,
        operation=operations.gather(columns["operation"]),
        error=errors.gather(columns["error"]),
    )


def read_kept(parquet: Path) -> pl.DataFrame:
    """Read the columns that the analysis needs from the file that `keep` wrote."""
    columns = ["intended_ns", "start_ns", "service_time_ns", "body_bytes", "operation", "error"]
    return pl.read_parquet(parquet, columns=columns)


def keep(stream: Path, parquet: Path) -> tuple[pl.DataFrame, tuple[Mark, ...]]:
    """Convert the stream that the load wrote to parquet, and return its content. Empty if there is no stream.

    Raises ResultsError for a file that is not a stream, and UnwritableError if the disk has no room.
    """
    if not stream.exists():
        return pl.DataFrame(), ()
    frame, marks = read_stream(stream)
    with files.whole(parquet) as beside:
        try:
            frame.write_parquet(beside)
        except PolarsError as error:
            raise OSError(str(error)) from None
    stream.unlink()
    return frame, marks
