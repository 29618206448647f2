"""Evidence: what a recording and its samples show of a cell, and what stays unknown."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import evidence, verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.gauges import Collected
from bench.analysis.recorded.load_workers import LoadWorker
from bench.analysis.recorded.loop_lag import Lag, LoopLag
from bench.analysis.recorded.recording import Recording
from bench.plan.matrix import Cell
from bench.plan.model import Load
from suite.arrival import Arrival
from tests.unit.readings_of import WINDOW, reading
from tests.unit.recording_of import CELL, PLAN, RECORDING, SAMPLES, at_ns

TARGET = replace(CELL, setup=replace(CELL.setup, url="http://127.0.0.1:9000"))


def seen(recording: Recording = RECORDING, cell: Cell = CELL, **load: Any) -> Evidence:
    """Under the plan's load with these changes."""
    changed = Load.model_validate({"warm_up_s": 1.0, "measure_s": 10.0, **load})
    return evidence.of(recording, SAMPLES, cell, PLAN.model_copy(update={"load": changed}))


def test_what_a_recording_shows() -> None:
    """Three users a hundred times a second; ten connections beside one that is another's, three transactions each."""
    found = seen()
    assert (found.length_s, found.users_asked, found.users, found.arrival) == (10.0, 3, 3, "closed")
    assert (found.requests, found.failures, found.missed, found.reconnects) == (3000, 0, 0, 2)
    assert (found.accounted, found.drift is not None) == (1.0, True)
    assert (found.connections_peak, found.idle_in_transaction_peak) == (10, 1)
    assert found.transactions == pytest.approx(9000, rel=0.02)
    assert (found.ping_p50_ms, found.ping_max_ms) == pytest.approx((20.0, 30.0))
    [worker] = found.load_workers
    assert replace(worker, cpu_share=None) == LoadWorker("a-0", 3)
    assert worker.cpu_share == pytest.approx(1.5 / 12.2)
    assert found.collected == Collected(full_per_s=2.0, share=0.1, longest_s=0.05)
    assert (found.placement, found.workers) == (RECORDING.placement, 1)
    assert (found.offered_rps, found.problem, found.miscounted, found.foreign) == (None, "", "", False)
    assert found.machine is not None
    assert found.machine.cpu_s["load"] == pytest.approx(2.0)


def test_the_lag_of_the_event_loop_is_that_of_the_window() -> None:
    """Unknown where it was not noted."""
    lines = LoopLag(7, 10_000_000, (at_ns(-1), at_ns(5)), (900_000_000, 25_000_000))
    assert seen(replace(RECORDING, loop_lags=(lines,))).lag == Lag(15.0, None, 25.0, 2 / 3)
    assert seen().lag is None


def test_a_machine_that_was_hardly_read_is_counted_so() -> None:
    """One reading near the window is too few, and so are three that end before it does."""
    once = seen(replace(RECORDING, readings=(reading(-5.0), reading(4.0), reading(15.0))))
    assert (once.machine, once.unwatched) == (None, 1)
    short = seen(replace(RECORDING, readings=RECORDING.readings[:4]))
    assert (short.machine, short.unwatched) == (None, 3)
    assert verdict.of_measurement(once, PLAN.verdict).name == "INVALID"
    assert "do not cover the window" in verdict.disturbance(short, PLAN.verdict)
    blind = tuple(replace(one, cpus={}) for one in RECORDING.readings)
    assert (seen(replace(RECORDING, readings=blind)).unwatched, seen().unwatched) == (None, None)


def test_nothing_of_the_database_is_known_of_a_target() -> None:
    """It may have one of its own. What its clients saw is known."""
    found = seen(cell=TARGET)
    assert (found.connections_peak, found.idle_in_transaction_peak, found.transactions) == (None, None, None)
    assert (found.foreign, found.requests, found.ping_max_ms is not None) == (True, 3000, True)


def test_an_open_load_has_its_rate_and_no_users_time() -> None:
    """By chance only where the plan says so."""
    found = seen(arrival=Arrival.OPEN, rate=300.0)
    assert (found.offered_rps, found.by_chance, found.accounted) == (300.0, False, None)
    assert seen(arrival=Arrival.OPEN, rate=300.0, spacing="poisson").by_chance
    assert found.drift is not None


def test_a_batch_has_no_steady_rate() -> None:
    """So there is no drift, and transactions that are reported late cannot be set apart; all its requests count."""
    found = seen(arrival=Arrival.BATCH, rate=300.0)
    assert (found.requests, found.length_s) == (3600, 12.000000001)
    assert (found.accounted, found.drift, found.transactions, found.offered_rps) == (None, None, None, None)


def test_what_the_load_used_here_is_not_all_where_other_machines_send() -> None:
    """It is left out; the other roles stay."""
    machine = seen(expect_workers=1).machine
    assert machine is not None
    assert set(machine.cpu_s) == {"service", "database"}


def test_what_was_not_recorded_is_unknown() -> None:
    """No zero stands for it."""
    found = seen(replace(RECORDING, readings=(), activity=(), pings=(), locust_requests=None))
    assert (found.machine, found.connections_peak, found.transactions) == (None, None, None)
    assert (found.ping_p50_ms, found.ping_max_ms, found.miscounted) == (None, None, "")


def test_fewer_connections_at_first_than_the_pools_have_are_all_the_services() -> None:
    """Those of others cannot be fewer than none."""
    assert seen(replace(RECORDING, pooled=20)).connections_peak == 11


def test_another_count_of_locusts_is_said_in_words() -> None:
    """Of all samples, those outside the window too; the same count, and none, say nothing."""
    words = "Locust itself counted 3,700 requests, and there are 3,600 samples: the samples are what counts"
    assert seen(replace(RECORDING, locust_requests=3700)).miscounted == words
    assert (evidence.miscounted(7, 7), evidence.miscounted(None, 7)) == ("", "")


def test_samples_alone_are_counted_again() -> None:
    """All that follows from them changes, and nothing else."""
    found = evidence.recounted(seen(), SAMPLES[:2400], WINDOW)
    assert (found.requests, found.completed, found.succeeded) == (2000, 2000, 2000)
    assert found.accounted == pytest.approx(2 / 3)
    again = replace(found, requests=3000, completed=3000, succeeded=3000, accounted=1.0)
    assert replace(again, little=seen().little, drift=seen().drift) == seen()


def test_a_measurement_without_a_window_shows_its_problem_alone() -> None:
    """With the users that were asked for, of whom none ran."""
    found = evidence.nothing("Locust crashed", 10, Arrival.OPEN)
    assert (found.problem, found.users_asked, found.arrival) == ("Locust crashed", 10, "open")
    assert (found.length_s, found.users, found.requests, found.machine, found.drift) == (0.0, 0, 0, None, None)


def test_evidence_can_be_written_as_json() -> None:
    """Whole, with what is in it."""
    written = json.loads(json.dumps(seen().as_dict()))
    assert (written["requests"], written["machine"]["pool"], written["placement"]["service"]) == (3000, 0.5, [1])
    assert written["load_workers"][0]["name"] == "a-0"
