"""What one more connection, thread and worker costs in memory: slopes by hand, and a textbook interval."""

from itertools import product

import pytest

from bench.analysis.profiling.memory import COLUMNS, MemoryPoint, Resource, costs, rows, slope


def points(of: Resource, values: tuple[int, ...], each: float, database_each: float | None = None) -> list[MemoryPoint]:
    """Three rounds on a straight line; a round is 1 MB above the one before."""
    return [
        MemoryPoint(of, value, at, 50 + at + each * value, database_each and 10 + database_each * value)
        for at, value in product(range(1, 4), values)
    ]


def test_a_slope_by_hand() -> None:
    """(1, 1), (2, 3), (3, 4): slope 3/2, residuals -1/6, 1/3, -1/6, so s^2 = 1/6 and its error is sqrt(1/12).

    Student's t for one degree of freedom is 12.7062.
    """
    each, low, high = slope([1, 2, 3], [1, 3, 4])
    assert each == pytest.approx(1.5)
    assert (each - low, high - each) == pytest.approx((12.7062 * (1 / 12) ** 0.5,) * 2, rel=1e-5)


def test_a_known_interval() -> None:
    """Anscombe's first data set (The American Statistician 27, 1973): 0.5001, standard error 0.1179, eleven points."""
    x = (10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5)
    y = (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68)
    each, low, high = slope(x, y)
    assert each == pytest.approx(0.5001, abs=5e-5)
    assert (low, high) == pytest.approx((0.5001 - 2.2622 * 0.1179, 0.5001 + 2.2622 * 0.1179), abs=3e-4)


def test_points_on_one_line_leave_no_width() -> None:
    assert slope([5, 10, 20], [60, 70, 90]) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(("values", "sizes"), [([1, 2], [1, 2]), ([3, 3, 3], [1, 2, 3])])
def test_what_has_no_slope_is_refused(values: list[float], sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="three points"):
        slope(values, sizes)


def test_each_resource_has_its_own_cost() -> None:
    """Connections first, then threads, then workers; a difference between rounds widens the interval, and no more."""
    measured = [
        *points("worker", (1, 2, 3), 55.0, 20.0),
        *points("connection", (5, 10, 20), 0.25, 2.0),
        *points("thread", (10, 20, 40), 0.125, 0.0),
    ]
    found = costs("psycopg2_sync", measured)
    assert [(one.of, one.points) for one in found] == [
        ("connection", (5, 10, 20)), ("thread", (10, 20, 40)), ("worker", (1, 2, 3)),
    ]  # fmt: skip
    assert [one.service_mb_each for one in found] == pytest.approx([0.25, 0.125, 55.0])
    assert found[0].database_mb_each == pytest.approx(2.0)
    assert all(one.ci_low < one.service_mb_each < one.ci_high for one in found)


def test_postgresql_that_was_not_seen_at_every_point_has_no_cost() -> None:
    seen, unseen = points("worker", (1, 2, 3), 55.0, 20.0), points("worker", (1, 2, 3), 55.0)
    [cost] = costs("asyncpg_async", [*seen[:-1], unseen[-1]])
    assert (cost.database_mb_each, cost.database_ci_low, cost.database_ci_high) == (None, None, None)
    assert cost.service_mb_each == pytest.approx(55.0)


def test_too_few_points_have_no_cost() -> None:
    assert costs("asyncpg_async", points("worker", (1, 2, 3), 55.0)[:2]) == ()
    assert costs("asyncpg_async", points("worker", (2,), 55.0)) == ()


def test_a_row_has_the_columns() -> None:
    [row] = rows(costs("asyncpg_async", points("worker", (1, 2, 3), 55.0)))
    assert tuple(row) == COLUMNS
    assert (row["service"], row["of"], row["points"]) == ("asyncpg_async", "worker", "1 2 3")
