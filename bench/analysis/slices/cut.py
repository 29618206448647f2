"""What of a recording counts: its window, or the slices of a cell that took turns, all on one clock. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from bench.analysis.recorded import machine, windows
from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.turns import ActiveClock
from bench.analysis.recorded.windows import Mark, Window
from bench.analysis.slices import disturbed, figures
from bench.analysis.slices.disturbed import WatchedSlice
from bench.analysis.slices.figures import LeftOut, Slice
from bench.plan.model import Load, Plan
from suite.arrival import Arrival
from suite.errors import ResultsError


@dataclass(frozen=True)
class Cut:
    """The part of a recording that counts. `samples`, `marks` and `window` are on the active clock.

    `recorded` is the window from end to end on the clock of the recording, for tables beside it. `unwatched` is as in
    the evidence. `slices` are those that count, `left_out` those that were disturbed, `clock` is the active clock, and
    `every` the window with all slices; none of a cell that ran without a break.
    """

    samples: pl.DataFrame
    marks: tuple[Mark, ...]
    window: Window
    recorded: Window
    machine: Machine | None
    unwatched: int | None
    slices: tuple[Slice, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    clock: ActiveClock | None = None
    every: Window | None = None

    def gauges(self, recorded: Sequence[Gauge]) -> Sequence[Gauge]:
        """What the service said of itself, on the same clock."""
        clock = self.clock
        return recorded if clock is None else [replace(one, at_ns=clock.at(one.at_ns)) for one in recorded]


def of(recording: Recording, samples: pl.DataFrame, plan: Plan) -> Cut:
    """Of a recording and all its samples. Raises ResultsError when the load ended before its window did."""
    if recording.turns:
        return _of_turns(recording, samples, plan)
    window = windows.of(recording.marks, samples, plan.load)
    seen = machine.of(recording.readings, recording.gauges, window, recording.placement)
    unwatched = machine.readings_inside(recording.readings, window) if seen is None else None
    return Cut(samples, recording.marks, window, window, seen, unwatched)


def _of_turns(recording: Recording, samples: pl.DataFrame, plan: Plan) -> Cut:
    """Where every slice was disturbed, all of them are shown, and the measurement is disturbed."""
    clock, every = _clock(recording, plan.load), disturbed.watched(recording, plan.verdict)
    if not every:
        raise ResultsError("the load ended before its window did")
    fine = [pair for pair in enumerate(every, 1) if not pair[1].why] or list(enumerate(every, 1))
    blocks, counting = [number for number, _ in fine], [one for _, one in fine]
    active, marks = on_active_clock(samples, clock), tuple(_mark(one, clock) for one in recording.marks)
    spans, whole = ([_span(one, clock) for one in slices] for slices in (counting, every))
    let_go_ns = clock.at(recording.turns[0].start_ns)
    window = windows.of_slices(marks, spans, let_go_ns)
    raw = [(one.start_ns, one.end_ns) for one in counting]
    completed = windows.classified(active, window).filter("completed")
    return Cut(
        active,
        marks,
        window,
        replace(window, start_ns=raw[0][0], end_ns=raw[-1][1], slices=()),
        *_machine(recording, counting),
        figures.of(completed, spans, raw, blocks, [one.stretch for one in counting]),
        tuple(LeftOut(number, one.start_ns, one.why, one.others_s) for number, one in enumerate(every, 1) if one.why),
        clock,
        windows.of_slices(marks, whole, let_go_ns),
    )


def _span(one: WatchedSlice, clock: ActiveClock) -> tuple[int, int]:
    """A slice on the active clock.

    It has its end, and not its start: an answer that the load read while the service stood still has the time of the
    freeze, and the service sent it in the slice before.
    """
    return clock.at(one.start_ns) + 1, clock.at(one.end_ns) + 1


def _clock(recording: Recording, load: Load) -> ActiveClock:
    """Raises ResultsError for a load that goes on while the service is frozen."""
    if load.arrival != Arrival.CLOSED:
        raise ResultsError(
            f"a load of arrival {load.arrival} has turns, and only closed users wait while a service is frozen"
        )
    return ActiveClock(recording.turns)


def on_active_clock(samples: pl.DataFrame, clock: ActiveClock) -> pl.DataFrame:
    """The same samples without the time in which the service was frozen."""
    intended, start, end = (
        clock.of(samples.select(one).to_series().cast(pl.Int64).to_numpy())
        for one in (pl.col("intended_ns"), pl.col("start_ns"), windows.END)
    )
    return samples.with_columns(
        intended_ns=pl.Series(intended, dtype=pl.Int64),
        start_ns=pl.Series(start, dtype=pl.Int64),
        service_time_ns=pl.Series(end - start, dtype=pl.Int64),
    )


def _mark(one: Mark, clock: ActiveClock) -> Mark:
    return replace(one, at_ns=clock.at(one.at_ns))


def _machine(recording: Recording, slices: Sequence[WatchedSlice]) -> tuple[Machine | None, int | None]:
    """Of all these slices together; with the number of readings in the first that was not watched, if any was not."""
    stretches = [one.stretch for one in slices if one.stretch]
    if len(stretches) == len(slices):
        return machine.of_stretches(stretches, recording.gauges, recording.placement), None
    return None, next(one.unwatched for one in slices if not one.stretch)
