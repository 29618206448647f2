"""The window of a measurement: which requests it holds."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from bench.plan.model import Load
from suite.arrival import Arrival
from suite.errors import ResultsError
from suite.records import MISSED


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


def of(marks: tuple[Mark, ...], samples: pl.DataFrame, load: Load) -> Window:
    """The window of a load. Raises ResultsError when the load ended before its window did."""
    if load.arrival == Arrival.BATCH:
        return batch_window(samples, marks)
    return window_of(marks, load.warm_up_s, load.measure_s)


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


def cut(samples: pl.DataFrame, window: Window, arrival: Arrival = Arrival.CLOSED) -> pl.DataFrame:
    """The requests of the window, with `latency_ns` counted from the intended start.

    Closed model: those that ended in it. Open and batch: those that were due in it, missed ones included.
    """
    end = pl.col("start_ns") + pl.col("service_time_ns")
    belongs = end if arrival == Arrival.CLOSED else pl.col("intended_ns")
    return samples.filter((belongs >= window.start_ns) & (belongs < window.end_ns)).with_columns(
        latency_ns=end - pl.col("intended_ns"), ok=pl.col("error") == ""
    )


def sent(due: pl.DataFrame) -> pl.DataFrame:
    """Without arrivals that were due and never sent."""
    return due.filter(pl.col("error") != MISSED)


def ended_ns(samples: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """When each request ended that was sent, in ascending order."""
    return sent(samples).select(pl.col("start_ns") + pl.col("service_time_ns")).to_series().sort().to_numpy()
