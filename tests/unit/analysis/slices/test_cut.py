"""Cells that took turns: a queue that is frozen from time to time gives exactly the figures of the queue itself."""

import operator
from dataclasses import replace
from functools import reduce

import polars as pl
import pytest

from bench.analysis import verdict
from bench.analysis.measurement import Measurement
from bench.analysis.recorded.turns import Turn
from bench.analysis.recorded.windows import Window
from bench.analysis.slices import cut
from bench.plan.model import Load
from suite.errors import ResultsError
from tests.unit.turns_of import CELL, EPOCH_NS, SECOND_NS, USERS, Frozen, Plain, at_ns, plan, queue, recorded, watched

UNTIL_S = 14.0
WHOLE = Frozen(edge_s=0.0)  # its slices are all of its turns, so that active time has no hole between them
WITH_EDGES = Frozen()


def measured(clock: Plain, **changes: dict[str, int]) -> Measurement:
    """A queue of 50 users at a service of 100 requests a second: 0.5 s each, whatever the turns."""
    recording = recorded(clock, UNTIL_S, watched(clock.turns, **changes))
    return Measurement.of(recording, queue(clock, UNTIL_S), CELL, plan(8, 8.8))


def test_a_frozen_queue_gives_the_figures_of_the_same_queue() -> None:
    """Requests, latencies, throughput and the time accounted for: equal, to the nanosecond of rounding."""
    plain, turns = measured(Plain()), measured(WHOLE)
    there, here = plain.evidence, turns.evidence
    assert here.length_s == pytest.approx(there.length_s) == pytest.approx(8.8)
    for name in ("requests", "failures", "completed", "succeeded", "missed", "unfinished", "starved", "sampled"):
        assert getattr(here, name) == getattr(there, name), name
    assert here.accounted == pytest.approx(there.accounted, abs=1e-6) == pytest.approx(1, abs=1e-6)
    assert here.little == pytest.approx(there.little, abs=1e-6)
    assert here.warm_up_s == pytest.approx(there.warm_up_s)
    columns = ("latency_ns", "service_time_ns")
    for column in columns:
        ours, theirs = (one.samples[column].sort().to_numpy() for one in (turns, plain))
        assert len(ours) == len(theirs)
        assert abs(ours - theirs).max() <= 4
    assert here.drift is not None
    assert here.drift.share == pytest.approx(0, abs=0.02)


def test_edges_of_turns_do_not_count() -> None:
    """The first 0.1 s of each turn: the rate and the latency of the rest are the same."""
    seen = measured(WITH_EDGES)
    assert seen.evidence.length_s == pytest.approx(8.0)
    assert seen.evidence.completed == pytest.approx(800, abs=8)
    assert seen.samples.filter("begun")["latency_ns"].mean() == pytest.approx(0.5e9, rel=0.001)
    assert seen.evidence.accounted == pytest.approx(1, abs=1e-6)
    assert seen.evidence.little == pytest.approx(1, abs=0.01)
    assert verdict.of_measurement(seen.evidence, plan(8).verdict).reasons == ()


def test_answers_that_are_read_after_the_freeze_count_for_the_slice_in_which_they_were_sent() -> None:
    """A load that reads late loses no request: every slice has as many as if each had been read at once."""
    recording, samples = recorded(WHOLE, UNTIL_S, watched(WHOLE.turns)), queue(WHOLE, UNTIL_S)
    late = Measurement.of(recording, read_late(samples), CELL, plan(8, 8.8)).evidence
    at_once = Measurement.of(recording, samples, CELL, plan(8, 8.8)).evidence
    assert [one.completed for one in late.slices] == [one.completed for one in at_once.slices]
    assert late.completed == at_once.completed
    assert late.accounted == pytest.approx(1, abs=1e-3)
    assert late.little == pytest.approx(1, abs=0.01)


def read_late(samples: pl.DataFrame) -> pl.DataFrame:
    """The same, but what was sent in the last 50 ms of a turn is read 80 ms later, and followed by the next request."""
    end_ns = samples["start_ns"] + samples["service_time_ns"]
    start_ns, end_ns = (times + 80_000_000 * _just_before_a_freeze(times) for times in (samples["start_ns"], end_ns))
    return samples.with_columns(intended_ns=start_ns, start_ns=start_ns, service_time_ns=end_ns - start_ns)


def _just_before_a_freeze(times: pl.Series) -> pl.Series:
    ends = [(times > one.end_ns - 50_000_000) & (times <= one.end_ns) for one in WHOLE.turns[:-1]]
    return reduce(operator.or_, ends).cast(pl.Int64)


def test_requests_may_last_for_several_slices() -> None:
    """50 users at 25 requests a second: 2 s each, in slices of 1.1 s."""
    recording, samples = recorded(WHOLE, UNTIL_S), queue(WHOLE, UNTIL_S, serve_s=0.04)
    seen = Measurement.of(recording, samples, CELL, plan(8, 8.8))
    assert seen.samples.filter("begun")["latency_ns"].mean() == pytest.approx(2e9, rel=0.001)
    assert seen.evidence.completed / seen.evidence.length_s == pytest.approx(25, rel=0.01)
    assert seen.evidence.accounted == pytest.approx(1, abs=1e-6)
    assert seen.evidence.starved == 0


def test_every_slice_has_its_own_figures() -> None:
    """They add up to the window's; the service's CPU time is what grew inside."""
    seen = measured(WITH_EDGES).evidence
    assert [one.block for one in seen.slices] == list(range(1, 9))
    assert [one.start_ns for one in seen.slices] == [one.slice_start_ns for one in WITH_EDGES.turns[1:-1]]
    assert sum(one.completed for one in seen.slices) == seen.completed
    assert sum(one.succeeded for one in seen.slices) == seen.succeeded
    assert sum(one.length_s for one in seen.slices) == pytest.approx(seen.length_s)
    assert seen.machine is not None
    assert sum(one.service_cpu_s or 0 for one in seen.slices) == pytest.approx(seen.machine.cpu_s["service"])


def test_cpu_time_is_that_of_the_slices() -> None:
    """What the machine did in the turns of others does not count for this cell."""
    seen = measured(WITH_EDGES).evidence.machine
    assert seen is not None
    assert seen.cpu_s == pytest.approx({"service": 7.2, "database": 2.4, "load": 1.6})
    assert seen.cpu_busy == pytest.approx({0: 0.67, 1: 0.95})
    assert seen.steal == pytest.approx(0.005)


def test_disturbed_slices_are_left_out() -> None:
    """The others count as if they had been all."""
    jumped = {"wall_ns": at_ns(999)}
    seen = measured(WITH_EDGES, slice_3=jumped, slice_6=jumped).evidence
    assert [one.block for one in seen.slices] == [1, 2, 4, 5, 7, 8]
    assert [one.block for one in seen.slices_left_out] == [3, 6]
    assert all("the clock jumped" in one.why for one in seen.slices_left_out)
    assert (seen.undisturbed, seen.slices_planned) == (6, 8)
    assert seen.length_s == pytest.approx(6.0)
    assert seen.completed == pytest.approx(600, abs=6)
    assert seen.accounted == pytest.approx(1, abs=1e-6)
    assert seen.machine is not None
    assert seen.machine.clock_jump_s == 0
    assert seen.machine.cpu_s["service"] == pytest.approx(5.4)


def test_where_every_slice_was_disturbed_all_are_shown() -> None:
    """The measurement is disturbed then, and no figure is empty."""
    jumped = {f"slice_{number}": {"wall_ns": at_ns(999 + 9 * number)} for number in range(1, 9)}
    seen = measured(WITH_EDGES, **jumped).evidence
    assert (len(seen.slices), len(seen.slices_left_out), seen.undisturbed) == (8, 8, 0)
    assert seen.completed == pytest.approx(800, abs=8)
    assert "the clock jumped" in verdict.disturbance(seen, plan(8).verdict)


def test_a_recording_without_slices_or_with_arrivals_is_refused() -> None:
    """The load ended before its window did; and arrivals go on while the service is frozen."""
    recording, samples = recorded(WITH_EDGES, UNTIL_S), queue(WITH_EDGES, UNTIL_S)
    without = replace(recording, turns=(Turn(EPOCH_NS, EPOCH_NS + SECOND_NS),))
    with pytest.raises(ResultsError, match="the load ended before"):
        cut.of(without, samples, plan(8))
    opened = plan(8).model_copy(update={"load": Load(arrival="open", rate=10.0)})  # type: ignore[arg-type]
    with pytest.raises(ResultsError, match="closed users"):
        cut.of(recording, samples, opened)
    with pytest.raises(ResultsError, match="the load ended before"):
        cut.of(replace(recording, marks=recording.marks[:1]), samples, plan(8))


def test_tables_are_on_the_clock_of_the_recording() -> None:
    """Their window begins with the first slice that counts."""
    recording = recorded(WITH_EDGES, UNTIL_S)
    found = cut.of(recording, queue(WITH_EDGES, UNTIL_S), plan(8))
    first, last = recording.turns[1], recording.turns[-2]
    assert (found.recorded.start_ns, found.recorded.end_ns) == (first.slice_start_ns, last.slice_end_ns)
    assert found.window.start_ns == at_ns(WITH_EDGES.on_s + WITH_EDGES.edge_s) + 1
    plain = cut.of(recorded(Plain(), UNTIL_S), queue(Plain(), UNTIL_S), plan(1))
    assert plain.window == plain.recorded
    assert isinstance(plain.window, Window)
    assert (plain.window.slices, plain.slices, plain.clock) == ((), (), None)
    assert plain.window.users == USERS
