"""What a run has measured so far, cell by cell. What that amounts to is made of it by bench/analysis/analysis.py."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from bench.analysis import bound, summary, verdict
from bench.analysis.bound import Bound
from bench.analysis.ceilings import Alone
from bench.analysis.evidence import Evidence
from bench.analysis.measurement import Measurement
from bench.analysis.parity import ParityRow
from bench.analysis.rules import conservation
from bench.analysis.slices import lost
from bench.analysis.slices.lost import Lost
from bench.analysis.summary import FiguresByMetric, OperationSummary
from bench.analysis.verdict import Verdict
from bench.plan.claims import Claim
from bench.plan.costs import Cost, expected, times_of, variant_of
from bench.plan.matrix import Cell
from bench.plan.model import Thresholds
from bench.plan.note import Kind, Note
from suite.arrival import Arrival

OF_FIGURES = frozenset({Kind.WAITED, Kind.PING, Kind.WARM_UP, Kind.OVERLOAD})
"""Remarks on the figures of a round."""


@dataclass(frozen=True)
class CellResult:
    """A cell with what all its measurements so far amount to. `operations` begins with `all`.

    `rounds` is how many count; `lost` has those that do not, because something disturbed them.
    """

    cell: Cell
    rounds: int
    operations: tuple[OperationSummary, ...]
    verdict: Verdict
    bound: Bound
    errors: tuple[tuple[str, int], ...]
    reconnects: int = 0
    remarks: tuple[Note, ...] = ()
    arrival: Arrival = Arrival.CLOSED
    lost: Lost = field(default_factory=Lost)

    @property
    def total(self) -> OperationSummary:
        """All operations together."""
        return self.operations[0]

    @property
    def rps(self) -> float:
        """Throughput of all operations together; 0 where it is not known."""
        return self.total.throughput_rps or 0.0

    @property
    def missed(self) -> int:
        """How many arrivals were due and never sent."""
        return self.total.missed_arrivals or 0


def errors(measurements: Sequence[Measurement]) -> tuple[tuple[str, int], ...]:
    """What the failed requests said, most frequent first."""
    frames = [one.samples for one in measurements if len(one.samples)]
    if not frames:
        return ()
    failed = pl.concat(frames).filter(pl.col("begun") & ~pl.col("ok") & ~pl.col("missed"))
    counted = failed.group_by("error").len().sort("len", "error", descending=[True, False])
    return tuple((str(error), int(count)) for error, count in counted.iter_rows())


def _noted(one: Measurement, limits: Thresholds) -> Iterator[Note]:
    """What to know of one measurement, beside its verdict."""
    seen = one.evidence
    if seen.miscounted:
        yield Note("", Kind.MISCOUNTED, seen.miscounted)
    if seen.unfinished:
        text = f"{seen.unfinished:,} requests had no answer when the load stopped waiting; they count as failures"
        yield Note("", Kind.WAITED, text)
    if seen.pings_unanswered:
        yield Note("", Kind.PING, f"{seen.pings_unanswered:,} GET /ping beside the load had no good answer")
    if seen.extended:
        yield Note("", Kind.WARM_UP, f"the load warmed up for {seen.warm_up_s:.1f} s, because of the response time")
    if over := conservation.overload(seen, limits):
        yield Note("", Kind.OVERLOAD, f"{over}: latencies grow for as long as the load runs")


def _in_place(rounds: Sequence[FiguresByMetric], left_out: Collection[int]) -> tuple[FiguresByMetric, ...]:
    """The figures of the rounds that count, each at the place of its round; of one that is left out there are none."""
    figures = iter(rounds)
    numbers = range(1, len(rounds) + len(left_out) + 1)
    return tuple({} if number in left_out else next(figures) for number in numbers)


def _of_rounds(said: Sequence[Note], left_out: Collection[int]) -> Iterator[Note]:
    """Without what concerns the figures of a round that is left out."""
    about = {f"round {number}" for number in left_out}
    yield from (note for note in said if note.about not in about or note.kind not in OF_FIGURES)


def _why_left_out(seen: Sequence[Evidence], left_out: Collection[int], limits: Thresholds) -> Iterator[Note]:
    for number in left_out:
        why = verdict.disturbance(seen[number - 1], limits)
        yield Note(f"round {number}", Kind.DISTURBED, f"left out: {why}")


def _with_costs(cell: Cell, operations: Sequence[OperationSummary]) -> tuple[OperationSummary, ...]:
    """With what the gate has verified: round trips and statements; of `all`, on average over its requests."""
    if cell.setup.url:
        return tuple(operations)
    known = [(one.requests, _cost(cell, one.operation)) for one in operations[1:]]
    requests = sum(count for count, _ in known)
    if not requests:
        return tuple(operations)
    round_trips = sum(count * cost.round_trips for count, cost in known) / requests
    statements = sum(count * (cost.statements or 0) for count, cost in known) / requests
    average = Cost(round_trips, statements)
    return tuple(
        replace(one, round_trips_per_request=cost.round_trips, statements_per_request=cost.statements)
        for one, cost in zip(operations, (average, *(cost for _, cost in known)), strict=True)
    )


def _cost(cell: Cell, operation: str) -> Cost:
    own = dict(cell.parameters)
    setup, variant, times = cell.setup, variant_of(operation, own), times_of(operation, own)
    return expected(setup.described, setup.profile, operation, variant, times, pooler=setup.pooler)


@dataclass(frozen=True)
class Ceilings:
    """What PostgreSQL does alone: requests/s of pgbench."""

    pgbench_rps: Mapping[Alone, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """All measurements so far, each cell's together. `cells` are the plan's, in its order, and so are `claims`.

    `counted`: the gate has counted round trips and statements, and found them to be the declared ones. `parity`: the
    facts in which it compared the services. `unreadable`: what of a stored run could not be read, in words.
    `disagreeing`: where its window.json differs from its recording, which is a remark on the cell, too.
    `first_stage`: the rounds whose spread decides how many there are; None where the plan fixes their number.
    `baseline`: the service that the others are compared with, first of all; empty where the plan names none.
    """

    limits: Thresholds = field(default_factory=Thresholds)
    cells: Sequence[Cell] = ()
    measured: dict[Cell, list[Measurement]] = field(default_factory=dict)
    results: dict[Cell, CellResult] = field(default_factory=dict)
    remarks: dict[Cell, list[Note]] = field(default_factory=dict)
    ceilings: Ceilings = field(default_factory=Ceilings)
    counted: bool = False
    claims: Sequence[Claim] = ()
    parity: tuple[ParityRow, ...] = ()
    unreadable: list[str] = field(default_factory=list)
    disagreeing: list[Note] = field(default_factory=list)
    first_stage: int | None = None
    baseline: str = ""

    @property
    def count(self) -> int:
        """How many measurements there are."""
        return sum(map(len, self.measured.values()))

    @property
    def window_s(self) -> float:
        """How long all windows were together."""
        return math.fsum(one.length_s for measurements in self.measured.values() for one in measurements)

    def add(self, cell: Cell, measurement: Measurement, *remarks: Note) -> None:
        """Take one more measurement into account."""
        self.add_all(cell, [measurement], [remarks])

    def add_all(self, cell: Cell, measurements: Sequence[Measurement], remarks: Sequence[Sequence[Note]] = ()) -> None:
        """Take several measurements of a cell into account, all or, where this raises, none.

        `remarks` are those on each measurement, which get the number of its round.
        """
        before = self.measured.get(cell, [])
        mine = [*before, *measurements]
        beside = remarks or [()] * len(measurements)
        new = [
            replace(note, about=f"round {number}")
            for number, (one, notes) in enumerate(zip(measurements, beside, strict=True), len(before) + 1)
            for note in (*notes, *_noted(one, self.limits))
        ]
        said = [*self.remarks.get(cell, ()), *new]
        every = [one.evidence for one in mine]
        out = verdict.left_out(every, self.limits)
        counting = [one for number, one in enumerate(mine, 1) if number not in out]
        seen = [one.evidence for one in counting]
        operations = [
            replace(one, first_stage=self.first_stage, rounds=_in_place(one.rounds, out))
            for one in summary.summarise(counting)
        ]
        result = CellResult(
            cell,
            len(counting),
            _with_costs(cell, operations) if self.counted else tuple(operations),
            verdict.of_cell(every, self.limits),
            bound.of_cell(seen, self.limits),
            errors(counting),
            sum(one.reconnects for one in seen),
            (*_of_rounds(said, out), *_why_left_out(every, out, self.limits)),
            every[0].arrival,
            lost.of(every, out),
        )
        self.measured[cell], self.remarks[cell], self.results[cell] = mine, said, result

    def counting(self, cell: Cell) -> list[Measurement]:
        """The measurements of a cell that count."""
        out = self.results[cell].lost.rounds
        return [one for number, one in enumerate(self.measured[cell], 1) if number not in out]

    def beginning(self) -> "Outcome":
        """Of the first stage alone: what the number of rounds is decided from. Later rounds change nothing of it."""
        made = Outcome(self.limits, self.cells, first_stage=self.first_stage)
        for cell, measurements in self.measured.items():
            made.add_all(cell, measurements[: self.first_stage])
        return made

    def ordered(self) -> list[CellResult]:
        """The results so far in the plan's order, whatever order they were measured in."""
        order = {cell: number for number, cell in enumerate(self.cells)}
        return sorted(self.results.values(), key=lambda result: order.get(result.cell, len(order)))
