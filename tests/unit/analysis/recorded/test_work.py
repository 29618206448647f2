"""The work that answers stand for: transactions, the least time, calls of the external API."""

from dataclasses import replace

import polars as pl
import pytest

from bench.analysis import evidence
from bench.analysis.recorded import work
from bench.analysis.recorded.work import Fastest, Work
from bench.plan import matrix
from bench.plan.model import Load, Matrix, Plan
from suite.arrival import Arrival
from suite.records import MISSED
from tests.unit.readings_of import WINDOW
from tests.unit.recording_of import CELL, PLAN, RECORDING, SAMPLES

COUNTED = replace(RECORDING, verified_transactions={"read_user": 3.0}, external_calls=7)
SYNCHRONIZE = Plan(
    matrix=Matrix(scenarios=["synchronize"], services=["asyncpg_async"], users=[3], external_delay_s=[1.5]),
    load=PLAN.load,
)
[CALLING] = matrix.cells(SYNCHRONIZE)
EVERY_FOURTH = pl.when(pl.int_range(pl.len()) % 4 == 0).then(pl.lit("list_users"))
MIX = SAMPLES.with_columns(operation=EVERY_FOURTH.otherwise(pl.lit("read_user")))


def test_what_a_recording_shows() -> None:
    """Three transactions for each request, as verification counted; no call and no floor for a point read."""
    found = evidence.of(COUNTED, SAMPLES, CELL, PLAN)
    assert found.transactions is not None
    assert found.transactions / found.completed == pytest.approx(3.0, rel=0.02)
    assert found.work == Work(3.0, 3.0, (), 7, 0)


def test_nothing_is_expected_where_verification_could_not_count() -> None:
    """Nor where an operation of the window was not counted; what was not recorded stays unknown."""
    assert work.of(RECORDING, SAMPLES, WINDOW, CELL, PLAN) == Work()
    assert work.verified({"read_user": 1.0}, MIX, WINDOW, CELL) == (None, None)
    assert work.verified({"read_user": 1.0}, SAMPLES[:0], WINDOW, CELL) == (None, None)


def test_a_batch_shows_no_transactions() -> None:
    """It has no steady rate; what was counted is known."""
    plan = PLAN.model_copy(update={"load": Load(arrival=Arrival.BATCH)})
    found = evidence.of(COUNTED, SAMPLES, CELL, plan)
    assert (found.transactions, found.work.transactions_most) == (None, 3.0)


def test_operations_count_as_often_as_they_ended_in_the_window() -> None:
    """Three of four at one transaction, the fourth at five. Those before and after the window count for nothing."""
    counted = {"read_user": 1.0, "list_users": 5.0}
    assert work.verified(counted, MIX, WINDOW, CELL) == pytest.approx((2.0, 2.0))
    outside = pl.col("start_ns").is_between(WINDOW.start_ns, WINDOW.end_ns - 20_000_000)
    changed = MIX.with_columns(operation=pl.when(outside).then("operation").otherwise(pl.lit("list_users")))
    low, high = work.verified(counted, changed, WINDOW, CELL)
    assert low == high == pytest.approx(2.0, abs=0.02)


def test_failed_requests_may_have_made_none_and_missed_ones_have_made_none() -> None:
    """The least and the most that there can be."""
    kinds = pl.int_range(pl.len()) % 5
    error = pl.when(kinds == 0).then(pl.lit("status 503")).when(kinds == 1).then(pl.lit(MISSED)).otherwise(pl.lit(""))
    failing = SAMPLES.with_columns(error=error)
    assert work.verified({"read_user": 4.0}, failing, WINDOW, CELL) == pytest.approx((3.0, 4.0))


def test_only_successes_are_held_to_a_floor() -> None:
    """The fastest one of the whole load; a failed request may end at any time."""
    samples = pl.DataFrame(
        {
            "operation": ["a", "a", "b", "a", "c"],
            "error": ["", "", "", "status 503", "timed out"],
            "service_time_ns": [2_100_000_000, 1_900_000_000, 5, 7, 8],
        }
    )
    assert work.fastest(samples, {"a": 2.0, "c": 1.0, "d": 1.0, "b": 0.0}) == (Fastest("a", 1.9, 2.0),)


def test_successes_that_need_a_call_are_counted_over_the_whole_load() -> None:
    """Before and after the window, too; failed ones need none."""
    samples = SAMPLES.with_columns(
        operation=pl.lit("synchronize_note"),
        error=pl.when(pl.int_range(pl.len()) < 600).then(pl.lit("status 502")).otherwise(pl.lit("")),
    )
    found = work.of(COUNTED, samples, WINDOW, CALLING, SYNCHRONIZE)
    assert (found.calls, found.calls_needed) == (7, 3000)
    assert found.fastest == (Fastest("synchronize_note", 0.01, 1.5),)
