"""What is known of a run's intervals before it starts."""

import pytest

from bench.analysis.precision import foreseen
from bench.plan import matrix
from bench.plan.model import Matrix, Plan

SERVICES = ["psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async", "psycopg3_sync"]


def cells(*services: str) -> tuple[matrix.Cell, ...]:
    return matrix.cells(Plan(matrix=Matrix(scenarios=["point_read"], services=list(services))))


@pytest.mark.parametrize(
    ("services", "baseline", "count"),
    [
        (SERVICES, "", 10),
        (SERVICES, "asyncpg_async", 4),
        (SERVICES, "no_database", 10),
        (SERVICES[:2], "", 1),
        (["asyncpg_async"], "", 0),
    ],
)
def test_the_pairs_are_those_with_the_baseline_or_all(services: list[str], baseline: str, count: int) -> None:
    """A baseline that is not measured compares nothing."""
    assert foreseen.pairs(cells(*services), baseline) == count


def test_too_few_rounds_are_said_with_how_many_would_do() -> None:
    """Student's t of 0.9975 and one degree of freedom is 127.3, and of 6 rounds and 10 pairs 4.773."""
    five = cells(*SERVICES)
    assert foreseen.too_few(five, 2, "") == (
        "2 rounds are too few to compare 10 pairs: each interval is ±90 times the spread between rounds."
        " About 6 rounds would do (±1.9)"
    )
    assert foreseen.half_width(2, 10) == pytest.approx(127.32 / 2**0.5, rel=1e-3)
    assert foreseen.half_width(6, 10) == pytest.approx(4.773 / 6**0.5, rel=1e-3)
    assert foreseen.too_few(five, 1, "").startswith("one round has no interval, so nothing can be compared; about 6 ")
    assert foreseen.too_few(five, 6, "") == ""
    assert foreseen.too_few(cells("asyncpg_async"), 1, "") == ""


def test_a_width_is_foreseen_from_an_earlier_run() -> None:
    """The same rounds and pairs have the same width; more rounds a narrower one."""
    assert foreseen.expected(0.04, (5, 3), 5, 3) == pytest.approx(0.04)
    more = foreseen.expected(0.04, (5, 3), 10, 3)
    assert more is not None
    assert 0.02 < more < 0.03
    assert foreseen.expected(0.04, (1, 3), 5, 3) is None
    assert foreseen.expected(0.04, (5, 3), 5, 0) is None
