"""Which cells of a scenario are compared, and whose intervals hold together. Pure.

Intervals that hold together share one 5% among them (Bonferroni): the fewer they are, the narrower is each. So there
are two families of pairs, all of them and those with the plan's baseline. Each holds together by itself.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import combinations, pairwise

from bench.analysis import sweeps
from bench.analysis.outcome import CellResult
from bench.plan.matrix import Cell

CONFIDENCE = 0.95
CellPair = tuple[CellResult, CellResult]
"""The baseline and the candidate of a ratio."""


class Family(StrEnum):
    """Of which intervals 95% hold together."""

    ALL = "all pairs"
    """Every pair of cells that differ on one axis."""
    BASELINE = "with the baseline"
    """Every service with the plan's baseline, in the same setting."""
    TWINS = "A/A"
    """The A/A arm with its original: in neither of the others, with 95% of its own."""


def simultaneous(intervals: int) -> float:
    """The confidence of each of several intervals that all hold together with CONFIDENCE: Bonferroni's."""
    return 1 - (1 - CONFIDENCE) / max(1, intervals)


def of_scenario(results: Sequence[CellResult], baseline: str) -> dict[Family, list[CellPair]]:
    """The pairs of one scenario's cells by family; `baseline` is a service's name, or empty. Landmarks are in none."""
    by_cell = {one.cell: one for one in results}
    return {
        family: [(by_cell[one], by_cell[other]) for one, other in pairs]
        for family, pairs in of_cells(list(by_cell), baseline).items()
    }


def of_cells(cells: Sequence[Cell], baseline: str) -> dict[Family, list[tuple[Cell, Cell]]]:
    """The same, of cells that need not have been measured."""
    everything = _one_axis_apart([one for one in cells if not one.once and not one.arm])
    return {Family.ALL: everything, Family.BASELINE: _with(baseline, everything)}


def axes_apart(one: Cell, other: Cell) -> int:
    """On how many axes of the plan two cells differ, of those that both have."""
    mine, theirs = (sweeps.settings(cell) | _driver(cell) for cell in (one, other))
    return sum(mine[name] != theirs[name] for name in mine if name in theirs and name != "arm")


def _driver(cell: Cell) -> dict[str, str]:
    """Two services on their usual drivers have that in common: the driver is then part of the service."""
    return {} if cell.setup.url or not cell.setup.driver else {"driver": cell.setup.described.unusual_driver}


def _with(baseline: str, everything: Sequence[tuple[Cell, Cell]]) -> list[tuple[Cell, Cell]]:
    """Those of the baseline and another service: it is below the line of each ratio, wherever the plan names it."""
    found = []
    for one, other in everything:
        services = [one.service, other.service]
        if baseline in services and services[0] != services[1]:
            found.append((one, other) if services[0] == baseline else (other, one))
    return found


def _one_axis_apart(every: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """One axis apart, and neighbours where they are on the same curve: its knee gives its shape."""
    skipped = set()
    for _, _, cells in sweeps.series(every):
        if len(cells) >= sweeps.LEAST_FOR_KNEE:
            skipped |= {frozenset(pair) for pair in combinations(cells, 2)} - {
                frozenset(pair) for pair in pairwise(cells)
            }
    return [
        (one, other)
        for one, other in combinations(every, 2)
        if axes_apart(one, other) == 1 and frozenset((one, other)) not in skipped
    ]
