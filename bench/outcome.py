"""What a run has measured so far, cell by cell."""

from dataclasses import dataclass, field

from bench import analysis
from bench.analysis import Measurement
from bench.plan import Cell
from bench.report import CellResult


@dataclass
class Outcome:
    """All measurements, and what they amount to."""

    measured: dict[Cell, list[Measurement]] = field(default_factory=dict)
    results: dict[Cell, CellResult] = field(default_factory=dict)
    window_s: float = 0.0

    def add(self, cell: Cell, measurement: Measurement) -> None:
        """Take one more measurement into account."""
        mine = self.measured.setdefault(cell, [])
        mine.append(measurement)
        self.window_s += measurement.length_s
        self.results[cell] = CellResult(
            cell,
            len(mine),
            analysis.summarise(mine),
            analysis.verdict(mine, cell.users),
            analysis.errors(mine),
            sum(one.missed for one in mine),
            sum(one.reconnects for one in mine),
        )
