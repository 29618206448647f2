"""Connections and transactions of a cell beside others, whose services are frozen in its turns and run in its gaps."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.analysis import evidence
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.windows import Window
from bench.analysis.slices import connections
from bench.analysis.slices.connections import OwnStates
from suite.activity import Activity
from tests.unit.turns_of import CELL, Frozen, Plain, at_ns, plan, queue, recorded, watched

CLOCK = Frozen()
UNTIL_S = 14.0
EACH = 2  # transactions of a request, of ours and of others
OTHERS_RPS = 1000.0
EVERY_S = 0.25


def looks(clock: Frozen, *, late: float = 0.0) -> list[float]:
    """When PostgreSQL is read (s): just before each turn, four times a second in it, and just after it."""
    found = []
    for turn in clock.turns:
        start_s, end_s = ((ns - at_ns(0)) / 1e9 for ns in (turn.start_ns, turn.end_ns))
        count = int((end_s - start_s) / EVERY_S)
        found += [start_s - 0.01 - late, *(start_s + number * EVERY_S for number in range(1, count + 1)), end_s + 0.01]
    return found


def backends(clock: Frozen, moments: Sequence[float], serve_s: float = 0.01, held: int = 0) -> list[Activity]:
    """What PostgreSQL says then. Ten connections of ours and twenty of others, each of whom reports once a second.

    Ours report when a turn begins, and once a second in it. In the gaps, 0.1 s away from our turns, others do ten times
    as much as we do. `held` of their connections wait in a transaction while they are frozen.
    """
    ours_rps, period = 1 / serve_s, clock.on_s + clock.off_s
    found = []
    for place, moment_s in enumerate(moments):
        turn = min(max(int(moment_s / period), 0), clock.count - 1)
        into_s = moment_s - turn * period
        running = 0 < into_s <= clock.on_s
        reported_s = turn * clock.on_s + (int(into_s) if running else clock.on_s - 0.1 if into_s > clock.on_s else -0.1)
        others_s = turn * (clock.off_s - 0.2) + min(max(0.0, into_s - clock.on_s - 0.1), clock.off_s - 0.2)
        done = max(0.0, reported_s) * ours_rps * EACH + others_s * OTHERS_RPS * EACH
        waiting = held + (4 + place % 3 if running else 0)
        states = {"idle in transaction": waiting, "idle": 30 - waiting}
        found.append(Activity(at_ns(moment_s), states, {}, 0.0, 30, round(done) + place, 0))
    return found


def seen(clock: Frozen, activity: Sequence[Activity], **changes: object) -> Evidence:
    """The evidence of a queue of 100 requests a second."""
    recording = replace(recorded(clock, UNTIL_S, watched(clock.turns), activity), **changes)  # type: ignore[arg-type]
    return evidence.of(recording, queue(clock, UNTIL_S), CELL, plan(8))


def test_transactions_of_others_do_not_count() -> None:
    """Twenty times as many as ours, all of them in our gaps."""
    found = seen(CLOCK, backends(CLOCK, looks(CLOCK)))
    assert found.transactions_unknown == ""
    assert found.transactions is not None
    assert found.transactions / found.completed == pytest.approx(EACH, rel=0.05)


def test_long_gaps_make_transactions_unknown() -> None:
    """Others that are idle for 9 to 10 s report what they did, perhaps in our turn."""
    slow = Frozen(off_s=8.6, count=10)
    found = seen(slow, backends(slow, looks(slow)))
    assert found.transactions is None
    assert "8.6 s were between two turns" in found.transactions_unknown


def turn_aware(activity: Sequence[Activity], flushed_s: float, many: int) -> list[Activity]:
    """Readings that know the turn; somebody idle reports so many transactions at a moment, and is seen around it."""
    made = []
    for one in activity:
        at_s = (one.at_ns - at_ns(0)) / 1e9
        more = many if at_s > flushed_s else 0
        near = -1.1 < flushed_s - at_s < 1.4
        made.append(replace(one, transactions=one.transactions + more, reporting=int(near), idle_since_ns=one.at_ns))
    return made


def test_who_reports_late_in_our_turn_does_not_count() -> None:
    """Another service was frozen for 9 s and reports a second of its work in the fifth of our ten turns."""
    flushed_s = 4 * (CLOCK.on_s + CLOCK.off_s) + 0.6
    readings = backends(CLOCK, looks(CLOCK))
    found = seen(CLOCK, turn_aware(readings, flushed_s, many=1000))
    assert found.transactions is not None
    assert found.transactions / found.completed == pytest.approx(EACH, rel=0.05)
    unseen = [replace(one, reporting=0) for one in turn_aware(readings, flushed_s, many=1000)]
    wrong = seen(CLOCK, unseen).transactions
    assert wrong is not None
    assert wrong / found.completed > EACH * 1.5


def test_our_own_late_reports_are_in_no_turn() -> None:
    """In long gaps, what our connections did last is reported while we are frozen. One slope is fitted to the turns."""
    slow = Frozen(on_s=3.0, off_s=9.5, count=4)
    aware = [replace(one, idle_since_ns=one.at_ns) for one in backends(slow, looks(slow))]
    found = seen(slow, aware)
    assert found.transactions_unknown == ""
    assert found.transactions is None or found.transactions / found.completed == pytest.approx(EACH, rel=0.1)


def test_a_missing_reading_makes_transactions_and_connections_unknown() -> None:
    """What lies between the last reading and the turn may be the work of others."""
    moments = looks(CLOCK)
    before_third = [one for one in moments if not 7.5 < one < 7.6]  # the turn begins after 7.6 s
    assert len(before_third) == len(moments) - 1
    found = seen(CLOCK, backends(CLOCK, before_third))
    assert (found.transactions, found.connections_peak, found.idle_in_transaction_peak) == (None, None, None)
    assert "just before and after every turn" in found.transactions_unknown
    late = seen(CLOCK, backends(CLOCK, looks(CLOCK, late=0.6)))
    assert late.transactions is None
    assert seen(CLOCK, ()).transactions_unknown == ""


def test_connections_are_what_the_pools_had_and_what_grew_in_turns() -> None:
    """Others open ten more in our gaps; two of ours are opened in a turn."""
    made = []
    for one in backends(CLOCK, looks(CLOCK)):
        at_s = (one.at_ns - at_ns(0)) / 1e9
        more = (10 if at_s > 6 else 0) + (2 if at_s > 12 else 0)
        made.append(replace(one, connections=one.connections + more))
    assert any(turn.start_ns < at_ns(12) < turn.end_ns for turn in CLOCK.turns)
    assert not any(turn.start_ns < at_ns(6) < turn.end_ns for turn in CLOCK.turns)
    assert seen(CLOCK, made).connections_peak == 12
    assert seen(CLOCK, backends(CLOCK, looks(CLOCK))).connections_peak == 10


def test_transactions_of_frozen_connections_are_not_ours() -> None:
    """Known where others hold none; otherwise as far as ours hold all that we have."""
    assert seen(CLOCK, backends(CLOCK, looks(CLOCK))).idle_in_transaction_peak == 6
    assert seen(CLOCK, backends(CLOCK, looks(CLOCK), held=3)).idle_in_transaction_peak is None
    full = []
    for place, one in enumerate(backends(CLOCK, looks(CLOCK), held=3)):
        inside = any(turn.start_ns < one.at_ns <= turn.end_ns for turn in CLOCK.turns)
        waiting = 3 + (10 if inside and place % 2 else 0)
        full.append(replace(one, states={"idle in transaction": waiting, "idle": 30 - waiting}))
    assert seen(CLOCK, full).idle_in_transaction_peak == 10


def test_connections_of_a_pooler_are_not_the_services() -> None:
    """What they do is counted nevertheless: transactions per request, of all in the database."""
    readings = [Activity(at_ns(number / 4), {"idle": 3}, {}, 0.0, 3, 100 * number, 0) for number in range(40)]
    recording = replace(recorded(Plain(), UNTIL_S, (), readings), shared=True)
    found = evidence.of(recording, queue(Plain(), UNTIL_S), CELL, plan(1))
    assert (found.connections_peak, found.idle_in_transaction_peak) == (None, None)
    assert found.transactions
    assert connections.own_states(recording) == []


def test_without_turns_it_is_as_it_was() -> None:
    """The most of all readings in the window, less what others had at the first."""
    readings = [Activity(at_ns(number / 4), {"idle": 30}, {}, 0.0, 30 + number % 3, number, 0) for number in range(40)]
    recording = recorded(Plain(), UNTIL_S, (), readings)
    found = evidence.of(recording, queue(Plain(), UNTIL_S), CELL, plan(1))
    assert (found.connections_peak, found.idle_in_transaction_peak) == (12, 0)
    assert connections.of(replace(recording, activity=()), Window(at_ns(1), at_ns(2), 1), None) == connections.UNKNOWN


def test_states_are_those_of_the_cells_own_connections() -> None:
    """Twenty of others are there all the time. Three of them wait in a transaction while they are frozen."""
    recording = replace(
        recorded(CLOCK, UNTIL_S, watched(CLOCK.turns), backends(CLOCK, looks(CLOCK), held=3)), pooled=10
    )
    found = connections.own_states(recording)
    assert len(found) == len(recording.activity)
    assert {(one.active, one.other) for one in found} == {(0, 0)}
    assert {one.idle + one.idle_in_transaction for one in found} == {10}
    assert max(one.idle_in_transaction for one in found) == 6
    assert found[0].idle_in_transaction == 0
    assert connections.own_states(replace(recording, activity=())) == []


def test_states_in_a_window_are_without_idle_connections_of_others() -> None:
    """Other services run beside it, and nothing is sent to them."""
    looked = [
        Activity(at_ns(1.0), {"idle": 30}, {}, 0.0, 30, 0, 0),
        Activity(at_ns(2.0), {"active": 4, "idle in transaction": 3, "idle": 22, "unknown": 1}, {}, 0.0, 30, 0, 0),
    ]
    recording = replace(recorded(Plain(), UNTIL_S, (), looked), pooled=10, turns=())
    assert connections.own_states(recording) == [OwnStates(0, 10, 0, 0), OwnStates(4, 2, 3, 1)]
