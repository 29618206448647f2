"""What a run has measured so far, cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis import bound, summary, verdict
from bench.analysis.bound import Bound
from bench.analysis.ceilings import Alone
from bench.analysis.parity import Row
from bench.analysis.summary import Measurement, OperationSummary
from bench.analysis.verdict import Verdict
from bench.plan.claims import Claim
from bench.plan.matrix import Cell
from bench.plan.model import Thresholds


@dataclass(frozen=True)
class CellResult:
    """A cell with what all its measurements so far amount to. `operations` begins with `all`."""

    cell: Cell
    rounds: int
    operations: tuple[OperationSummary, ...]
    verdict: Verdict
    bound: Bound
    errors: tuple[tuple[str, int], ...]
    missed: int = 0
    reconnects: int = 0
    remarks: tuple[str, ...] = ()
    arrival: str = "closed"
    counted: bool = False

    @property
    def total(self) -> OperationSummary:
        """All operations together."""
        return self.operations[0]


def paced(results: Sequence[CellResult]) -> bool:
    """Whether throughput is the rate that was asked for, so that latency is what is compared."""
    return any(one.arrival == "open" for one in results)


def ranked(results: Sequence[CellResult]) -> list[CellResult]:
    """The cells of one scenario that are ranked, best first: highest throughput, of an open load lowest latency."""
    mine = [one for one in results if one.verdict.ranks and not one.cell.once and not one.cell.arm]
    if paced(results):
        return sorted(mine, key=lambda one: one.total.latency_p99_ms or one.total.latency_p50_ms or float("inf"))
    return sorted(mine, key=lambda one: one.total.throughput_rps or 0.0, reverse=True)


@dataclass(frozen=True)
class Ceilings:
    """What PostgreSQL does alone: requests/s of pgbench."""

    pgbench_rps: Mapping[Alone, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """All measurements, and what they amount to. `cells` are the plan's, in its order, and so are `claims`.

    `counted`: the gate has counted round trips and statements, and found them to be the declared ones. `parity`: the
    facts in which it compared the services. `unreadable`: what of a stored run could not be read, in words.
    `disagreeing`: where its window.json says something else than follows from what was recorded; that is a remark on
    the cell, too.
    """

    limits: Thresholds = field(default_factory=Thresholds)
    cells: Sequence[Cell] = ()
    measured: dict[Cell, list[Measurement]] = field(default_factory=dict)
    results: dict[Cell, CellResult] = field(default_factory=dict)
    remarks: dict[Cell, list[str]] = field(default_factory=dict)
    ceilings: Ceilings = field(default_factory=Ceilings)
    window_s: float = 0.0
    counted: bool = False
    claims: Sequence[Claim] = ()
    parity: tuple[Row, ...] = ()
    unreadable: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many measurements there are."""
        return sum(map(len, self.measured.values()))

    def add(self, cell: Cell, measurement: Measurement, remark: str = "") -> None:
        """Take one more measurement into account."""
        number = len(self.measured.get(cell, ())) + 1
        self.add_all(cell, [measurement], [f"round {number}: {remark}"] if remark else [])

    def add_all(self, cell: Cell, measurements: Sequence[Measurement], remarks: Sequence[str]) -> None:
        """Take several measurements of a cell into account, all or, where this raises, none."""
        before = self.measured.get(cell, [])
        mine = [*before, *measurements]
        miscounted = [
            f"round {number}: {one.evidence.miscounted}"
            for number, one in enumerate(measurements, len(before) + 1)
            if one.evidence.miscounted
        ]
        said = [*self.remarks.get(cell, ()), *remarks, *miscounted]
        seen = [one.evidence for one in mine]
        result = CellResult(
            cell,
            len(mine),
            summary.summarise(mine),
            verdict.of_cell(seen, self.limits),
            bound.of_cell(seen, self.limits),
            summary.errors(mine),
            sum(one.missed for one in seen),
            sum(one.reconnects for one in seen),
            tuple(said),
            seen[0].arrival,
            self.counted,
        )
        self.measured[cell], self.remarks[cell], self.results[cell] = mine, said, result
        self.window_s += sum(one.length_s for one in measurements)

    def ordered(self) -> list[CellResult]:
        """The results so far in the plan's order, whatever order they were measured in."""
        order = {cell: number for number, cell in enumerate(self.cells)}
        return sorted(self.results.values(), key=lambda result: order.get(result.cell, len(order)))
