"""Samples: one row a request. Read from the stream that the load wrote, kept as parquet, cut to the window."""

import json
import math
import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from bench import results
from bench.errors import ResultsError
from bench.records import MISSED, RECORD


@dataclass(frozen=True)
class Mark:
    """Something that happened to the load, at a monotonic time, with so many users running and reconnects so far.

    Of a load of several processes, `workers` has what is known of each by its name; what happened to one of them alone
    names that `worker`, and the CPU time that it had used by then.
    """

    event: str
    at_ns: int
    users: int
    reconnects: int = 0
    worker: str = ""
    cpu_s: float = 0.0
    workers: Mapping[str, Mapping[str, int]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Window:
    """The part of a cell's run that counts, on the monotonic clock of the samples."""

    start_ns: int
    end_ns: int
    users: int

    @property
    def length_s(self) -> float:
        """How long it is."""
        return (self.end_ns - self.start_ns) / 1e9

    def as_dict(self) -> dict[str, Any]:
        """For window.json."""
        return {**asdict(self), "length_s": self.length_s}


def read_stream(path: Path) -> tuple[pl.DataFrame, tuple[Mark, ...]]:
    """Everything in a sample stream: a row a request, in the order of recording, and the marks.

    A stream that was cut off gives what is whole. Raises ResultsError for one that is not a sample stream.
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


def _mark(head: dict[str, Any]) -> Mark:
    return Mark(
        head["event"],
        int(head["at_ns"]),
        int(head["users"]),
        int(head.get("reconnects", 0)),
        str(head.get("worker", "")),
        float(head.get("cpu_s", 0.0)),
        dict(head.get("workers", {})),
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


def window_of(marks: tuple[Mark, ...], warm_up_s: float, measure_s: float) -> Window:
    """The window: `measure_s` long, beginning `warm_up_s` after the last user started.

    Raises ResultsError when the load ended before the window did.
    """
    spawned, stopping = _first(marks, "spawned"), _first(marks, "stopping")
    start_ns = spawned.at_ns + math.ceil(warm_up_s * 1e9)
    return Window(start_ns, start_ns + math.floor(measure_s * 1e9), stopping.users)


def batch_window(samples: pl.DataFrame, marks: tuple[Mark, ...]) -> Window:
    """A batch's window is all of it: from the first intended start to the last end."""
    _first(marks, "stopping")
    if samples.is_empty():
        raise ResultsError("the batch sent no request")
    start_ns = int(samples["intended_ns"].to_numpy().min())
    end_ns = int((samples["start_ns"] + samples["service_time_ns"]).to_numpy().max())
    return Window(start_ns, end_ns + 1, _first(marks, "spawned").users)


def _first(marks: tuple[Mark, ...], event: str) -> Mark:
    found = next((mark for mark in marks if mark.event == event), None)
    if found is None:
        raise ResultsError("the load ended before its window did")
    return found


def cut(samples: pl.DataFrame, window: Window, arrival: str = "closed") -> pl.DataFrame:
    """The requests of the window, with `latency_ns` counted from the intended start.

    Closed model: those that ended in it. Open and batch: those that were due in it, missed ones included.
    """
    end = pl.col("start_ns") + pl.col("service_time_ns")
    belongs = end if arrival == "closed" else pl.col("intended_ns")
    return samples.filter((belongs >= window.start_ns) & (belongs < window.end_ns)).with_columns(
        latency_ns=end - pl.col("intended_ns"), ok=pl.col("error") == ""
    )


def sent(due: pl.DataFrame) -> pl.DataFrame:
    """Without arrivals that were due and never sent."""
    return due.filter(pl.col("error") != MISSED)


def ended_ns(samples: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """When each request ended that was sent, in ascending order."""
    return sent(samples).select(pl.col("start_ns") + pl.col("service_time_ns")).to_series().sort().to_numpy()


def read_kept(parquet: Path) -> pl.DataFrame:
    """What `keep` wrote: the columns that the analysis needs."""
    columns = ["intended_ns", "start_ns", "service_time_ns", "body_bytes", "operation", "error"]
    return pl.read_parquet(parquet, columns=columns)


def keep(stream: Path, parquet: Path) -> tuple[pl.DataFrame, tuple[Mark, ...]]:
    """Turn the stream that the load wrote into a parquet file, and return what it holds; nothing where none began.

    Raises ResultsError for what is no stream, and UnwritableError where there is no room for the file.
    """
    if not stream.exists():
        return pl.DataFrame(), ()
    frame, marks = read_stream(stream)
    with results.whole(parquet) as beside:
        try:
            frame.write_parquet(beside)
        except PolarsError as error:
            raise OSError(str(error)) from None
    stream.unlink()
    return frame, marks
