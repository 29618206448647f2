"""A sweep in a terminal: what is beside its curves, and when there are none to show."""

from dataclasses import replace

from rich.console import Group

from bench.analysis import sweeps
from bench.analysis.outcome import CellResult
from bench.report.terminal import sweep
from tests.unit.analysis.test_sweeps import KNEE, of, point
from tests.unit.report.terminal.lines_of import lines

RESULTS = of({1: 500, 10: 4000, 100: 4200, 1000: 4100})


def shown(*results: CellResult) -> list[str]:
    return [" ".join(line.split()) for line in lines(Group(*sweep.parts(sweeps.curves(results), results)), width=160)]


def test_a_landmark_is_below_the_curves() -> None:
    """It has no value on the axis; the knee is marked at its value, and is said below in words."""
    landmark = point("no_database", "users", 10, 9000)
    landmark = replace(landmark, cell=replace(landmark.cell, once=True))
    found = shown(*RESULTS, landmark)
    assert [line for line in found if line.endswith(sweep.MARK)] == [
        "10 4,000 ±0.0% 2.5 0.500 0 service CPU VALID <- knee"
    ]
    assert "no_database-users_10 9,000 ±0.0% 1.1 0.500 0 service CPU VALID" in found
    assert found[-1] == f"asyncpg_async: {KNEE}"


def test_the_axis_with_most_values_is_shown() -> None:
    """A ranking is shown where other cells of the matrix are on no such curve, or where there is no curve."""
    short = of({5: 900, 10: 1000, 20: 1100}, "pool_size", "psycopg2_sync")
    assert shown(*short)[1].startswith("service pool_size ")
    assert shown(*RESULTS)[1].startswith("service users ")
    assert shown(*RESULTS, *short) == []
    assert shown(*RESULTS[:2]) == []
