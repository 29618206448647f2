"""pgbench's scripts, which ceiling a cell has, and what is read of pgbench's output."""

from dataclasses import replace

import pytest

from bench.analysis import ceilings
from bench.analysis.ceilings import Alone
from bench.plan import matrix
from bench.plan.model import Matrix, Plan, Rounds, Target
from suite import catalogue
from suite.errors import LoadError

PRINTED = """\
pgbench (18.6)
transaction type: /tmp/point_read-0.sql
number of clients: 10
latency average = 0.412 ms
tps = 24271.113925 (without initial connection time)
"""


def test_throughput_is_that_without_connecting() -> None:
    """And no made-up one where there is none."""
    assert ceilings.transactions_per_s(PRINTED) == 24271.113925
    with pytest.raises(LoadError, match="no throughput: FATAL"):
        ceilings.transactions_per_s("FATAL: out of memory")


def test_every_scenario_has_its_sql() -> None:
    """A scenario without one has no ceiling, which the author of a new one should decide, not forget."""
    without = {name for name in catalogue.scenarios() if not ceilings.scripts(name, {})}
    assert without == ceilings.WITHOUT_CEILING
    assert ceilings.scripts("unknown", {}) == ()


def test_a_transaction_stands_for_its_requests() -> None:
    """crud: 50 reads, 20 pages, and 10 rounds of three writes, as 100 requests in 80 transactions."""
    assert ceilings.requests_per_transaction(ceilings.scripts("crud", {})) == 100 / 80
    assert ceilings.requests_per_transaction(ceilings.scripts("read_many", {"count": 7})) == 1
    assert ceilings.scripts("read_many", {"count": 7})[0].text.count("SELECT") == 7


def test_what_is_printed_becomes_requests_of_the_service() -> None:
    """Of crud each transaction is 1.25 of them."""
    assert ceilings.requests_per_s(Alone("point_read", (), 10), PRINTED) == 24271.113925
    assert ceilings.requests_per_s(Alone("crud", (), 10), PRINTED) == pytest.approx(1.25 * 24271.113925)


def test_each_ceiling_is_wanted_once() -> None:
    """By scenario, parameters and connections; none without a database or without known SQL."""
    plan = Plan(
        matrix=Matrix(
            scenarios=["point_read", "read_many", "session_sleep"],
            services=["psycopg2_sync", "asyncpg_async", "no_database"],
            pool_size=[5],
            workers=[2],
            parameters={"count": [3, 4]},
        ),
    )
    assert ceilings.wanted(matrix.cells(plan)) == [
        Alone("point_read", (), 10),
        Alone("read_many", (("count", 3),), 10),
        Alone("read_many", (("count", 4),), 10),
    ]


def test_pgbench_has_as_many_connections_as_the_users_keep_busy() -> None:
    """At most those of the pools; and behind a relay there is no ceiling, because pgbench has no distance."""
    plan = Plan(matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"], pool_size=[5], users=[1, 3, 100]))
    assert [one.connections for one in ceilings.wanted(matrix.cells(plan))] == [1, 3, 5]
    [cell, *_] = matrix.cells(plan)
    assert ceilings.of(replace(cell, setup=replace(cell.setup, database_rtt_ms=5.0))) is None
    with pytest.raises(LoadError, match="pgbench had 10 connections, not 3"):
        ceilings.requests_per_s(Alone("point_read", (), 3), PRINTED)


def test_a_landmark_has_the_load_of_a_cell_in_all_that_a_plan_sets() -> None:
    """Scenario, users, parameters, workers; how a target runs is not known."""
    plan = Plan(
        matrix=Matrix(
            scenarios=["point_read", "read_many"], services=["asyncpg_async"], users=[10, 100], workers=[1, 2],
            parameters={"count": [3, 4]},
        ),
        rounds=Rounds(once=["no_database"]),
    )  # fmt: skip
    found = matrix.cells(plan)
    landmarks = [one for one in found if one.once]
    for cell in (one for one in found if not one.once):
        same = [one.slug for one in landmarks if ceilings.has_load_of(one, cell)]
        answered = matrix.can_answer("no_database", cell.scenario)
        assert same == ([cell.slug.replace("asyncpg_async", "no_database")] if answered else [])
    first = landmarks[0]
    target = replace(first, setup=matrix.setup_of(Target(name="mine", url="http://127.0.0.1:1")))
    others = [one for one in landmarks if ceilings.has_load_of(one, target)]
    assert [(one.users, one.setup.workers) for one in others] == [(first.users, 1), (first.users, 2)]


def test_only_a_service_without_a_database_is_without_one() -> None:
    """Any service can be a landmark."""
    cells = matrix.cells(Plan(matrix=Matrix(scenarios=["point_read"], services=["psycopg2_sync", "no_database"])))
    assert [ceilings.is_without_database(one) for one in cells] == [False, True]
    gone = replace(cells[1], setup=replace(cells[1].setup, service="gone"))
    assert not ceilings.is_without_database(gone)


def test_a_landmark_wants_no_ceiling() -> None:
    """Nothing is compared with it."""
    matrix_of_one = Matrix(scenarios=["point_read"], services=["no_database"])
    plan = Plan(matrix=matrix_of_one, rounds=Rounds(once=["psycopg2_sync"]))
    assert ceilings.wanted(matrix.cells(plan)) == []
