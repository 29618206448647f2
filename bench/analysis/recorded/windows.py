"""The window of a measurement: which requests it holds."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from bench.analysis.recorded.turns import Spans
from bench.plan.model import Load
from suite.arrival import Arrival
from suite.errors import ResultsError
from suite.records import MISSED, TIMED_OUT, UNFINISHED

END = pl.col("start_ns") + pl.col("service_time_ns")
"""When a request ended, of any samples (ns)."""


@dataclass(frozen=True)
class Mark:
    """Something that happened to the load, at a monotonic time, with so many users running and reconnects so far.

    `begun` is how many requests the load had begun by then; None in old runs, which did not count them.
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
    begun: int | None = None


@dataclass(frozen=True)
class Window:
    """The part of a cell's run that counts, on the monotonic clock of the samples.

    `stopped_ns` is when the load stopped waiting for answers under the same load; None in old runs. `warm_up_s` is how
    long it had run before. Of a cell that took turns with others, all times are on its active clock, and the window is
    the `slices` that count, in order: `start_ns` and `end_ns` are those of the first and of the last one.
    """

    start_ns: int
    end_ns: int
    users: int
    stopped_ns: int | None = None
    warm_up_s: float | None = None
    slices: tuple[tuple[int, int], ...] = ()

    @property
    def length_s(self) -> float:
        """How long it is."""
        return sum(end_ns - start_ns for start_ns, end_ns in self.spans) / 1e9

    @property
    def spans(self) -> Spans:
        """Its parts: the slices, or the window itself."""
        return self.slices or ((self.start_ns, self.end_ns),)

    def as_dict(self) -> dict[str, Any]:
        """For window.json."""
        facts = {**asdict(self), "length_s": self.length_s}
        return facts if self.slices else {name: value for name, value in facts.items() if name != "slices"}


def of(marks: tuple[Mark, ...], samples: pl.DataFrame, load: Load) -> Window:
    """The window of a load. Raises ResultsError when the load ended before its window did."""
    if load.arrival == Arrival.BATCH:
        return batch_window(samples, marks)
    return window_of(marks, load.warm_up_s, load.measure_s)


def window_of(marks: tuple[Mark, ...], warm_up_s: float, measure_s: float) -> Window:
    """The window: `measure_s` long, from when the load had warmed up.

    In old runs, it begins `warm_up_s` after the last user started. Raises ResultsError when the load ended before the
    window did.
    """
    spawned, stopping = _first(marks, "spawned"), _first(marks, "stopping")
    measuring = next((mark for mark in marks if mark.event == "measuring"), None)
    if measuring is None:
        start_ns = spawned.at_ns + math.ceil(warm_up_s * 1e9)
        return Window(start_ns, start_ns + math.floor(measure_s * 1e9), stopping.users)
    start_ns, end_ns = measuring.at_ns, measuring.at_ns + math.floor(measure_s * 1e9)
    return Window(start_ns, end_ns, stopping.users, stopping.at_ns, (start_ns - spawned.at_ns) / 1e9)


def of_slices(marks: tuple[Mark, ...], slices: Spans, let_go_ns: int) -> Window:
    """The window of these slices, at least one, with everything on the active clock.

    The warm-up begins with the first turn, at `let_go_ns`: before, the service stands still.

    Raises ResultsError when the load ended before its window did.
    """
    spawned, measuring, stopping = (_first(marks, event) for event in ("spawned", "measuring", "stopping"))
    warm_up_s = (measuring.at_ns - max(spawned.at_ns, let_go_ns)) / 1e9
    return Window(slices[0][0], slices[-1][1], stopping.users, stopping.at_ns, warm_up_s, tuple(slices))


def batch_window(samples: pl.DataFrame, marks: tuple[Mark, ...]) -> Window:
    """A batch's window is all of it: from the first intended start to the last end."""
    _first(marks, "stopping")
    if samples.is_empty():
        raise ResultsError("the batch sent no request")
    start_ns = int(samples["intended_ns"].to_numpy().min())
    end_ns = int(samples.select(END.max()).item())
    return Window(start_ns, end_ns + 1, _first(marks, "spawned").users)


def _first(marks: tuple[Mark, ...], event: str) -> Mark:
    found = next((mark for mark in marks if mark.event == event), None)
    if found is None:
        raise ResultsError("the load ended before its window did")
    return found


def within(times_ns: pl.Expr, window: Window) -> pl.Expr:
    """Whether times lie in the window."""
    if not window.slices:
        return times_ns.is_between(window.start_ns, window.end_ns, closed="left")
    edges = pl.Series([edge for span in window.slices for edge in span], dtype=pl.Int64)
    return pl.lit(edges).search_sorted(times_ns, side="right") % 2 == 1


def classified(samples: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The requests and arrivals that concern a window.

    `begun`: it began or was due in the window. `completed`: it was sent, and ended in the window. Each is one of `ok`,
    failed, `missed` (due and never sent) and `unfinished` (no answer when the load stopped waiting). `latency_ns`
    counts from the intended start to the end, or to when the load stopped waiting, where that was before: then it is
    the least that the latency can be. `timed`: its latency counts, as success or as the least that it can be; an error
    is no fast answer.
    """
    error, missed, unfinished = pl.col("error"), pl.col("missed"), pl.col("unfinished")
    stopped_ns = window.stopped_ns or samples.select(END.max()).item() or window.end_ns
    begun, ended = (within(one, window) for one in (pl.col("intended_ns"), END))
    return (
        samples.filter(begun | ended)
        .with_columns(begun=begun, missed=error == MISSED)
        .with_columns(unfinished=~missed & ((error == UNFINISHED) | (stopped_ns < END)))
        .with_columns(
            completed=ended & ~missed & ~unfinished,
            latency_ns=pl.when(missed | unfinished).then(stopped_ns).otherwise(END) - pl.col("intended_ns"),
            ok=(error == "") & ~unfinished,
            timed=(error == "") | missed | unfinished | error.str.starts_with(TIMED_OUT),
            error=pl.when(unfinished).then(pl.lit(UNFINISHED)).otherwise(error),
        )
        .filter(pl.col("begun") | pl.col("completed"))
    )


def sent(due: pl.DataFrame) -> pl.DataFrame:
    """Without arrivals that were due and never sent."""
    return due.filter(pl.col("error") != MISSED)


def ended_ns(samples: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """When each request ended that was sent, in ascending order."""
    return sent(samples).select(END).to_series().sort().to_numpy()
