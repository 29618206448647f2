"""Rows of summary.csv: what is known of a cell, and nothing made up for what is not."""

from typing import Any

import polars as pl
import pytest

from bench.analysis.evidence import nothing
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.plan import matrix
from bench.plan.matrix import Cell
from bench.plan.model import Load, Matrix, Plan, Target
from bench.plan.note import Kind, Note
from bench.store.rows import SUMMARY, Origin, summary_rows
from suite.arrival import Arrival
from tests.unit.analysis import outcome_of
from tests.unit.analysis.test_outcome import measured

READ = measured(*["read_user"] * 10)


def cell(scenario: str = "point_read", **values: Any) -> Cell:
    """The last one of a plan with these values."""
    targets = values.pop("targets", [])
    services = [] if targets else ["asyncpg_async"]
    return matrix.cells(Plan(matrix=Matrix(scenarios=[scenario], services=services, **values), targets=targets))[-1]


def row(one: Cell, measurement: Measurement, load: Load | None = None, remark: str = "") -> dict[str, Any]:
    """That of all operations together."""
    outcome = Outcome(cells=[one], counted=True)
    outcome.add(one, measurement, *([Note("", Kind.REMADE, remark)] if remark else []))
    return next(
        found for found in summary_rows(Origin("run"), load or Load(), outcome.ordered()) if found["operation"] == "all"
    )


def test_a_row_says_of_which_run_and_cell_it_is() -> None:
    """So that rows of several runs can be joined; what is not known of an old run is empty."""
    outcome = Outcome()
    outcome.add(cell(pool_size=[5]), measured("read_user"))
    origin = Origin("run", "2026-11-28T14:00:00+00:00", "abc")
    [row, _] = summary_rows(origin, Load(), outcome.ordered())
    assert (row["run_id"], row["started_at"], row["commit"]) == ("run", "2026-11-28T14:00:00+00:00", "abc")
    assert row["slug"] == cell(pool_size=[5]).slug
    assert summary_rows(Origin("run"), Load(), outcome.ordered())[0]["commit"] is None


def test_each_operation_of_each_cell_has_a_row() -> None:
    """After that of all together; with every column, in its order."""
    outcome = Outcome()
    for one in (cell(pool_size=[5]), cell(users=[7])):
        outcome.add(one, measured("read_user", "list_users"))
    rows = summary_rows(Origin("run"), Load(), outcome.ordered())
    assert [tuple(found) for found in rows] == [SUMMARY] * 6
    assert [(found["operation"], found["pool_size"], found["users"], found["run_id"]) for found in rows] == [
        ("all", 5, 1000, "run"),
        ("list_users", 5, 1000, "run"),
        ("read_user", 5, 1000, "run"),
        ("all", 10, 7, "run"),
        ("list_users", 10, 7, "run"),
        ("read_user", 10, 7, "run"),
    ]


@pytest.mark.parametrize(
    ("one", "parameters"),
    [
        (cell(), "pool_overflow=0;pool_timeout_s=30.0;threads=40"),
        (
            cell("read_many", pool_overflow=[3], pool_timeout_s=[0.5], threads=[8], parameters={"count": [7]}),
            "pool_overflow=3;pool_timeout_s=0.5;threads=8;count=7",
        ),
        (cell(database_rtt_ms=[2.5]), "pool_overflow=0;pool_timeout_s=30.0;threads=40;database_rtt_ms=2.5"),
        (cell(loop=["asyncio"]), "pool_overflow=0;pool_timeout_s=30.0;threads=40;loop=asyncio"),
        (cell(gc=["freeze"]), "pool_overflow=0;pool_timeout_s=30.0;threads=40;gc=freeze"),
        (cell(pooler=["transaction"]), "pool_overflow=0;pool_timeout_s=30.0;threads=40;pooler=transaction"),
        (
            cell("synchronize", external_delay_s=[0.0]),
            "pool_overflow=0;pool_timeout_s=30.0;threads=40;external_delay_s=0.0",
        ),
        (
            cell("read_many", targets=[Target(name="mine", url="http://127.0.0.1:9000")], parameters={"count": [7]}),
            "count=7",
        ),
    ],
)
def test_parameters_are_those_that_have_no_column(one: Cell, parameters: str) -> None:
    """uvloop and Python's own garbage collection go without saying.

    How long the external API takes only where it is called; of a target the scenario's own.
    """
    operation = {"synchronize": "synchronize_note", "read_many": "read_many"}.get(one.scenario, "read_user")
    assert row(one, measured(operation))["parameters"] == parameters


def test_the_second_arm_is_named() -> None:
    """In the parameters, since its service has the same name."""
    plan = {"matrix": {"scenarios": ["point_read"], "services": ["asyncpg_async"]}, "rounds": {"aa": True}}
    twin = matrix.cells(Plan.model_validate(plan))[-1]
    assert row(twin, READ)["parameters"] == "pool_overflow=0;pool_timeout_s=30.0;threads=40;arm=aa"
    assert row(twin, READ)["service"] == "asyncpg_async"


@pytest.mark.parametrize(
    ("load", "offered_rps", "missed"),
    [
        (Load(), None, None),
        (Load(arrival=Arrival.OPEN, rate=100.0), 100.0, 3),
        (Load(arrival=Arrival.BATCH, rate=100.0), None, 3),
    ],
)
def test_only_an_open_load_offers_a_rate_and_only_a_closed_one_misses_nothing(
    load: Load, offered_rps: float | None, missed: int | None
) -> None:
    """A closed load has no arrivals that were due."""
    found = row(cell(), measured("read_user", arrival=load.arrival, missed=3), load)
    assert (found["arrival"], found["offered_rps"], found["missed_arrivals"]) == (load.arrival, offered_rps, missed)


def test_reasons_are_the_verdicts_then_remarks_then_the_bound() -> None:
    """In one cell of the table, with semicolons between them."""
    found = row(cell(), measured(*["read_user"] * 10, users=1), remark="measured again")
    assert (found["verdict"], found["bound_by"]) == ("INVALID", "service CPU")
    assert found["reasons"] == (
        "round 1: 1 of 2 users were running; round 1: measured again; "
        "bound by service CPU: the service used 98% of the CPU time it can use; its CPU was 99% busy"
    )


def test_a_cell_without_a_window_has_no_figures() -> None:
    """No zero stands for what was not measured."""
    crashed = Measurement(pl.DataFrame(), nothing("Locust crashed", 1000, Arrival.CLOSED))
    found = row(cell(), crashed)
    unknown = ("throughput_rps", "latency_p50_ms", "failure_ratio", "statements_per_request", "bound_by")
    assert {name: found[name] for name in unknown} == dict.fromkeys(unknown)
    assert (found["requests"], found["rounds"], found["verdict"]) == (0, 1, "INVALID")
    assert found["reasons"] == "round 1: Locust crashed; round 1: 0 of 1000 users were running"


def test_what_is_not_known_of_a_target_is_empty() -> None:
    """No zero, no setting of ours, nothing of a database that it may not use; what load and processes cost is."""
    machine = {"cpu_s": {"database": 2.0, "load": 4.0, "target": 5.0}, "cpu_busy": {0: 0.5, 1: 0.5}, "pool": None}
    target = cell(targets=[Target(name="mine", url="http://127.0.0.1:9000")])
    seen = measured(*["read_user"] * 1000, foreign=True, machine={**machine, "rss_peak_mb": {"target": 90.0}})
    found = row(target, seen)
    unknown = (
        "profile", "server", "workers", "pool_size", "database_cpu_ms_per_request", "connections_peak",
        "idle_in_transaction_peak", "transactions_per_request", "bound_by",
        "round_trips_per_request", "statements_per_request",
    )  # fmt: skip
    assert {name: found[name] for name in unknown} == dict.fromkeys(unknown)
    assert (found["parameters"], found["verdict"]) == ("", "VALID")
    assert found["load_cpu_ms_per_request"] == pytest.approx(4.0)
    assert (found["service_cpu_ms_per_request"], found["service_rss_peak_mb"]) == (pytest.approx(5.0), 90.0)


def test_summary_rows_have_every_column_and_leave_unknown_ones_out() -> None:
    """All columns of the design; what was not measured is None; a cell measured once has no interval."""
    rows = summary_rows(Origin("run"), Load(), list(outcome_of.outcome().results.values()))
    assert all(set(row) == set(SUMMARY) for row in rows)
    [asyncpg] = [row for row in rows if row["service"] == "asyncpg_async" and row["operation"] == "all"]
    assert (asyncpg["requests"], asyncpg["throughput_rps"], asyncpg["rounds"]) == (40_400, 2020.0, 2)
    assert asyncpg["throughput_ci_low"] < 2020 < asyncpg["throughput_ci_high"]
    assert asyncpg["parameters"] == "pool_overflow=0;pool_timeout_s=30.0;threads=40"
    [landmark] = [row for row in rows if row["service"] == "no_database" and row["operation"] == "all"]
    assert landmark["throughput_ci_low"] is None
    assert (asyncpg["bound_by"], asyncpg["verdict"]) == ("service CPU", "VALID")
    assert asyncpg["reasons"] == (
        "bound by service CPU: the service used 98% of the CPU time it can use; its CPU was 99% busy"
    )
    assert asyncpg["service_cpu_ms_per_request"] == pytest.approx(2 * 9800 / 40_400)
    assert landmark["statements_per_request"] is None
