"""Families of pairs: which cells are compared, and which of them with the plan's baseline."""

import pytest

from bench.analysis.outcome import CellResult
from bench.analysis.pairing import families
from bench.analysis.pairing.families import Family
from bench.plan import matrix
from bench.plan.matrix import AA
from bench.plan.model import Matrix, Plan
from tests.unit.analysis.test_pairs import FAST, SAME, SLOW, result
from tests.unit.analysis.test_sweeps import of


def named(results: list[CellResult], baseline: str, family: Family) -> list[tuple[str, str]]:
    """Baseline and candidate of each pair."""
    return [(one.cell.slug, other.cell.slug) for one, other in families.of_scenario(results, baseline)[family]]


def test_the_baseline_is_below_the_line_wherever_the_plan_names_it() -> None:
    """Of three services, two pairs; those of all pairs stay in the plan's order."""
    both = [("asyncpg_async", "psycopg2_sync"), ("asyncpg_async", "databases_async")]
    assert named([SLOW, FAST, SAME], "asyncpg_async", Family.BASELINE) == both
    assert named([SLOW, FAST, SAME], "asyncpg_async", Family.ALL) == [
        ("psycopg2_sync", "asyncpg_async"),
        ("psycopg2_sync", "databases_async"),
        ("asyncpg_async", "databases_async"),
    ]


@pytest.mark.parametrize("baseline", ["", "sqlalchemy_async"])
def test_without_a_baseline_that_was_measured_there_is_no_such_family(baseline: str) -> None:
    """The first cells of a run may be others; all pairs are as ever."""
    assert named([SLOW, FAST, SAME], baseline, Family.BASELINE) == []
    assert len(named([SLOW, FAST, SAME], baseline, Family.ALL)) == 3


def test_a_pair_with_the_baseline_differs_in_the_service_alone() -> None:
    """At each number of users, and never the baseline with itself, or with an A/A arm."""
    users = (1, 2, 4)
    mine, theirs = (of(dict.fromkeys(users, 1000.0), service=name) for name in ("psycopg2_sync", "asyncpg_async"))
    assert named([*mine, *theirs], "asyncpg_async", Family.BASELINE) == [
        (f"asyncpg_async-users_{count}", f"psycopg2_sync-users_{count}") for count in users
    ]
    twin = result("psycopg2_sync", [100, 101], arm=AA)
    assert named([SLOW, FAST, twin], "psycopg2_sync", Family.BASELINE) == [("psycopg2_sync", "asyncpg_async")]
    assert (Family.TWINS in families.of_scenario([SLOW, twin], "")) is False


def test_intervals_that_hold_together_share_five_percent() -> None:
    """Bonferroni; one alone, or none, has all of it."""
    assert [families.simultaneous(count) for count in (0, 1, 6)] == pytest.approx([0.95, 0.95, 1 - 0.05 / 6])


def test_a_driver_counts_where_a_plan_chooses_it() -> None:
    """Two services on their usual drivers differ in the service alone, and so do two on the same other one.

    A service without a choice is compared with each.
    """
    services = ["sqlalchemy_async", "sqlalchemy_sync", "psycopg3_async"]
    plan = Plan(matrix=Matrix(scenarios=["point_read"], services=services, driver=["usual", "psycopg"]))
    pairs = families.of_cells(matrix.cells(plan), "")[Family.ALL]
    assert {(one.slug, other.slug) for one, other in pairs} == {
        ("sqlalchemy_async-asyncpg", "sqlalchemy_async-psycopg"),
        ("sqlalchemy_sync-psycopg2", "sqlalchemy_sync-psycopg"),
        ("sqlalchemy_async-asyncpg", "sqlalchemy_sync-psycopg2"),
        ("sqlalchemy_async-psycopg", "sqlalchemy_sync-psycopg"),
        ("sqlalchemy_async-asyncpg", "psycopg3_async"),
        ("sqlalchemy_async-psycopg", "psycopg3_async"),
        ("sqlalchemy_sync-psycopg2", "psycopg3_async"),
        ("sqlalchemy_sync-psycopg", "psycopg3_async"),
    }
