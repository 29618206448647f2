"""A run's measurements so far, cell by cell."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from bench.analysis.evidence import nothing
from bench.analysis.intervals import mean_interval
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome, errors
from bench.analysis.verdict import Judgement, Verdict
from bench.plan.matrix import Cell, default_setup
from bench.plan.note import Kind, Note
from suite.arrival import Arrival
from tests.unit.analysis import outcome_of
from tests.unit.evidence_of import evidence
from tests.unit.samples_of import in_window


def cell(service: str, scenario: str = "point_read", **parameters: int | str) -> Cell:
    return Cell(service, scenario, default_setup(service), 2, tuple(parameters.items()), once=False)


def measured(*operations: str, said: Sequence[str] = (), **changes: Any) -> Measurement:
    """A request of each operation; the first ones failed with these errors."""
    count = len(operations)
    failed = [*said, *[""] * (count - len(said))]
    frame = pl.DataFrame(
        {
            "operation": operations,
            "error": failed,
            "body_bytes": [100] * count,
            "latency_ns": [2_000_000] * count,
            "service_time_ns": [1_000_000] * count,
            "ok": [error == "" for error in failed],
        }
    )
    return Measurement(in_window(frame), evidence(**{"requests": count, "failures": len(said), **changes}))


READ = measured(*["read_user"] * 10)
CRASHED = Measurement(pl.DataFrame(), nothing("Locust crashed", 2, Arrival.CLOSED))


def test_errors_are_counted_by_what_they_say() -> None:
    """Most frequent first, and by name among equals; a round without a window has none."""
    first = measured(*["read_user"] * 5, said=["status 500", "reset", "late"])
    second = measured(*["read_user"] * 5, said=["status 500"])
    assert errors([first, CRASHED, second]) == (("status 500", 2), ("late", 1), ("reset", 1))
    assert errors([READ]) == ()
    assert errors([CRASHED]) == ()


def test_each_measurement_adds_to_its_cell() -> None:
    """A result is of all its rounds; windows and reconnects are summed up."""
    outcome, one, other = Outcome(), cell("asyncpg_async"), cell("psycopg2_sync")
    outcome.add(one, measured(*["read_user"] * 10, reconnects=2))
    outcome.add(other, CRASHED)
    outcome.add(one, measured(*["read_user"] * 30, reconnects=3, length_s=5.0))
    assert (outcome.count, outcome.window_s) == (3, 15.0)
    result = outcome.results[one]
    assert (result.rounds, result.total.requests, result.reconnects, result.arrival) == (2, 40, 5, "closed")
    assert result.rps == 40 / 15
    assert (outcome.results[other].rps, outcome.results[other].verdict.name) == (0.0, "INVALID")


def test_the_beginning_is_the_first_stage_alone() -> None:
    """With its own verdicts: a later round that makes a cell INVALID does not change what was decided."""
    outcome, one = Outcome(first_stage=2), cell("asyncpg_async")
    outcome.add_all(one, [READ, READ, CRASHED])
    assert outcome.results[one].verdict.name == "INVALID"
    [found] = outcome.beginning().ordered()
    assert (found.rounds, found.verdict.name, found.total.requests) == (2, "VALID", 20)
    assert (found.total.first_stage, outcome.count) == (2, 3)


def test_a_cells_own_interval_has_the_spread_of_the_first_stage() -> None:
    """As the ratios have."""
    made, plain, one = Outcome(first_stage=3), Outcome(), cell("asyncpg_async")
    for outcome in (made, plain):
        outcome.add_all(one, [measured(*["read_user"] * count) for count in (10, 12, 11, 30, 11)])
    rates = [1.0, 1.2, 1.1, 3.0, 1.1]
    assert made.results[one].total.throughput_interval == pytest.approx(mean_interval(rates, first=rates[:3]))
    assert plain.results[one].total.throughput_interval == pytest.approx(mean_interval(rates))


def test_a_remark_names_its_round() -> None:
    """One of the measurement's own, that Locust counted otherwise, is one, too; where there is none, none is said."""
    outcome, one = Outcome(), cell("asyncpg_async")
    outcome.add(one, READ, Note("", Kind.REMADE, "measured again"))
    outcome.add_all(
        one, [READ, measured("read_user", miscounted="Locust counted 2")], [(), (Note("", Kind.DISAGREES, "at last"),)]
    )
    assert outcome.results[one].remarks == (
        Note("round 1", Kind.REMADE, "measured again"),
        Note("round 3", Kind.DISAGREES, "at last"),
        Note("round 3", Kind.MISCOUNTED, "Locust counted 2"),
    )


def test_measurements_that_cannot_be_used_leave_all_as_it_was() -> None:
    """The one before them is not taken alone."""
    outcome, one = Outcome(), cell("asyncpg_async")
    outcome.add(one, READ, Note("", Kind.REMADE, "first"))
    before = outcome.results[one]
    broken = Measurement(pl.DataFrame({"operation": ["read_user"]}), evidence())
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        outcome.add_all(one, [READ, broken], [(Note("", Kind.REMADE, "second"),), ()])
    assert (outcome.measured[one], outcome.remarks[one]) == ([READ], [Note("round 1", Kind.REMADE, "first")])
    assert outcome.results[one] is before


@pytest.mark.parametrize(
    ("measured_cell", "operations", "costs"),
    [
        (cell("asyncpg_async"), ["read_user"], {"all": (2, 5), "read_user": (2, 5)}),
        # Of four requests three are reads of 3 round trips, one an update of 4.
        (
            cell("sqlalchemy_async", "crud"),
            ["read_user", "read_user", "read_user", "update_user"],
            {"all": (3.25, 3.25), "read_user": (3, 3), "update_user": (4, 4)},
        ),
        (cell("psycopg2_sync", "read_many", count=4), ["read_many"], {"all": (6, 6), "read_many": (6, 6)}),
        (cell("psycopg2_sync", "read_many"), ["read_many"], {"all": (22, 22), "read_many": (22, 22)}),
        # A transaction before the call of the other service and one after it: BEGIN and COMMIT twice.
        (
            cell("asyncpg_async", "synchronize", transaction="explicit"),
            ["synchronize_note"],
            {"all": (8, 14), "synchronize_note": (8, 14)},
        ),
    ],
    ids=lambda one: one.scenario if isinstance(one, Cell) else "",
)
def test_verified_costs_stand_beside_what_was_measured(
    measured_cell: Cell, operations: list[str], costs: dict[str, tuple[float, float]]
) -> None:
    """Of all operations on average over the requests; none before the gate has counted."""
    for counted in (True, False):
        outcome = Outcome(counted=counted)
        outcome.add(measured_cell, measured(*operations))
        found = {
            one.operation: (one.round_trips_per_request, one.statements_per_request)
            for one in outcome.results[measured_cell].operations
        }
        assert found == (costs if counted else dict.fromkeys(costs, (None, None)))


def test_a_cell_that_answered_nothing_has_no_costs() -> None:
    """There is nothing to take an average of."""
    outcome, one = Outcome(counted=True), cell("asyncpg_async")
    outcome.add(one, CRASHED)
    assert outcome.results[one].total.round_trips_per_request is None


def test_results_are_in_the_plans_order() -> None:
    """Whatever was measured first; a cell that the plan does not have comes last."""
    cells = [cell("asyncpg_async"), cell("psycopg2_sync"), cell("databases_async")]
    outcome = Outcome(cells=cells)
    for one in (cell("no_database"), *reversed(cells)):
        outcome.add(one, READ)
    assert [one.cell.service for one in outcome.ordered()] == [
        "asyncpg_async",
        "psycopg2_sync",
        "databases_async",
        "no_database",
    ]


def test_a_result_knows_how_many_arrivals_were_missed() -> None:
    """Of all its rounds."""
    outcome, one = Outcome(), cell("asyncpg_async")
    for missed in (3, 4):
        outcome.add(one, measured("read_user", arrival=Arrival.OPEN, offered_rps=1.0, missed=missed))
    assert (outcome.results[one].missed, outcome.results[one].arrival) == (7, "open")


def test_a_verdict_is_the_worst_of_all_rounds() -> None:
    """One round of two with too few users spoils the cell."""
    made = Outcome()
    made.add(outcome_of.cell("asyncpg_async"), outcome_of.measured(1000))
    made.add(outcome_of.cell("asyncpg_async"), outcome_of.measured(1000, users=1))
    [result] = made.results.values()
    few = "1 of 2 rounds were not disturbed, which is too few to leave the others out"
    assert result.verdict == Verdict(
        Judgement.INVALID,
        (
            Note("", Kind.INVALID, few, "left_out"),
            Note("round 2", Kind.INVALID, "1 of 2 users were running", "missing_users"),
        ),
    )
    assert (result.rounds, result.lost.rounds) == (2, ())


def test_a_disturbed_round_does_not_count() -> None:
    """Its figures are nowhere, its place stays, and it is said why; what others used in it is kept."""
    made, one = Outcome(), cell("asyncpg_async")
    strange = {"strangers": 0.5, "others_s": {"cc1 (pid 7)": 4.0, "cc1 (pid 9)": 1.0}}
    for count in (100, 200, 300):
        made.add(one, measured(*["read_user"] * count))
    made.add(one, measured(*["read_user"] * 999, said=("reset",), machine=strange, extended=True, reconnects=7))
    made.add(one, measured(*["read_user"] * 400))
    result = made.results[one]
    assert (result.verdict.name, result.rounds, result.total.requests) == (Judgement.VALID, 4, 1000)
    assert result.total.of_rounds("throughput_rps") == (10.0, 20.0, 30.0, None, 40.0)
    assert result.total.of_rounds("throughput_rps", counting=True) == (10.0, 20.0, 30.0, 40.0)
    assert result.operations[1].of_rounds("throughput_rps")[3] is None
    assert (result.errors, result.reconnects) == ((), 0)
    assert (result.lost.rounds, result.lost.others_s) == ((4,), {"cc1": 5.0})
    [remark] = result.remarks
    assert (remark.about, remark.kind) == ("round 4", Kind.DISTURBED)
    assert remark.text.startswith("left out: other processes used 50.0%")
    assert [len(kept.samples) for kept in made.counting(one)] == [100, 200, 300, 400]
    assert len(made.measured[one]) == 5
    assert made.beginning().results[one].rounds == 4


def test_a_cell_that_cannot_be_read_is_no_disturbance() -> None:
    """It may have been the slow round."""
    made, one = Outcome(), cell("asyncpg_async")
    for _ in range(4):
        made.add(one, READ)
    made.add(one, Measurement(pl.DataFrame(), nothing("cannot read it", 2, Arrival.CLOSED, unreadable=True)))
    assert made.results[one].verdict.name == "INVALID"
