"""A cell's own database connections and transactions, where the services of other cells have theirs, too. Pure.

PostgreSQL counts for all of them together. While others are frozen, what grows is the cell's own. So it is added up
from just before each of its turns to just after it, and what happened in the turns of others is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bench.analysis.recorded import activity, windows
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.turns import ActiveClock, Turn
from bench.analysis.recorded.windows import Window
from bench.analysis.slices.cut import Cut
from suite.activity import Activity

NEAR_NS = 500_000_000  # a reading that is further from a turn may have the work of another one
LATE_S = 8.5  # backends that were left idle report 9 to 10 s after their last transaction


@dataclass(frozen=True)
class Held:
    """The most connections that the service had, and the most in which a transaction waited; None: not known."""

    most: int | None
    idle_in_transaction: int | None


UNKNOWN = Held(None, None)


def of(recording: Recording, window: Window, clock: ActiveClock | None) -> Held:
    """In the window, as far as the readings of pg_stat_activity tell."""
    if not recording.activity or recording.shared:
        return UNKNOWN
    # At the first reading the service has just those connections that its pools open at start.
    others = max(0, recording.activity[0].connections - recording.pooled)
    if clock is None:
        most = activity.peaks(recording.activity, window)
        return Held(most.connections - others, most.idle_in_transaction) if most else UNKNOWN
    own = _own(recording.activity, recording.turns)
    if own is None:
        return UNKNOWN
    inside = [
        (seen.connections - others, idle_least, idle_most)
        for seen, (idle_least, idle_most) in zip(own, _idle_in_transaction(recording), strict=True)
        if window.start_ns <= clock.at(seen.at_ns) <= window.end_ns
    ]
    if not inside:
        return UNKNOWN
    most_held, least, at_most = (max(figures) for figures in zip(*inside, strict=True))
    return Held(most_held if most_held >= 0 else None, least if least == min(at_most, most_held) else None)


@dataclass(frozen=True)
class OwnStates:
    """In which states a service's own connections are at one reading: how many in each."""

    active: int
    idle: int
    idle_in_transaction: int
    other: int


def own_states(recording: Recording) -> list[OwnStates]:
    """At each reading, without the connections of other services: frozen ones, and idle ones that were there before.

    In a turn, as many wait in a transaction as are surely the cell's own.
    """
    if not recording.activity or recording.shared:
        return []
    others = max(0, recording.activity[0].connections - recording.pooled)
    waiting = [activity.idle_in_transaction(one) for one in recording.activity]
    if recording.turns:
        waiting = [least for least, _ in _idle_in_transaction(recording)]
    return [_without(one, held, others) for one, held in zip(recording.activity, waiting, strict=True)]


def _without(seen: Activity, held: int, others: int) -> OwnStates:
    """A reading without so many connections of others, none of which works."""
    active = seen.states.get("active", 0)
    still = seen.states.get("idle", 0) + activity.idle_in_transaction(seen)
    idle = max(0, still - held - others)
    return OwnStates(active, idle, held, max(0, seen.connections - active - still))


def transactions_per_request(recording: Recording, mine: Cut) -> tuple[float | None, str]:
    """How many transactions a request took; None where that is not known, and why, if it is a matter of the turns."""
    ended_ns = windows.ended_ns(mine.samples)
    if mine.clock is None:
        return activity.transactions_per_request(recording.activity, ended_ns, mine.window), ""
    if not recording.activity:
        return None, ""
    long = [(before.end_ns, after.start_ns) for before, after in pairwise(recording.turns) if _is_long(before, after)]
    if long and any(one.idle_since_ns is None for one in recording.activity):
        gap_s = max((start_ns - end_ns) / 1e9 for end_ns, start_ns in long)
        return None, f"{gap_s:.1f} s were between two turns, in which connections of others report transactions late"
    own = _own(recording.activity, recording.turns)
    if own is None:
        return None, "what the database counted was not read just before and after every turn"
    # In a long gap, the cell's own connections report what they did before it, and no turn has that.
    on_clock = [
        replace(
            one,
            at_ns=mine.clock.at(one.at_ns),
            reporting=one.reporting or any(end_ns <= one.at_ns <= start_ns for end_ns, start_ns in long),
        )
        for one in own
    ]
    each = activity.transactions_per_request(on_clock, ended_ns, mine.window)
    return each, "" if each is not None else "too little time without connections that report late"


def _is_long(before: Turn, after: Turn) -> bool:
    """Whether a gap between two turns is so long that connections which were left idle report in it, or just after."""
    return (after.start_ns - before.end_ns) / 1e9 > LATE_S


def _own(readings: Sequence[Activity], turns: Sequence[Turn]) -> list[Activity] | None:
    """The readings, with connections and transactions as if nothing had changed in the turns of others.

    None if a turn has no reading just before or just after it.
    """
    found, connections, transactions = [readings[0]], 0, 0
    for before, after in pairwise(readings):
        if _in_gap(before, after, turns):
            connections += after.connections - before.connections
            transactions += after.transactions - before.transactions
        elif not _is_own(before, after, turns):
            return None
        found.append(
            replace(after, connections=after.connections - connections, transactions=after.transactions - transactions)
        )
    return found


def _in_gap(before: Activity, after: Activity, turns: Sequence[Turn]) -> bool:
    """Whether both are between the same two turns."""
    return any(earlier.end_ns <= before.at_ns and after.at_ns <= later.start_ns for earlier, later in pairwise(turns))


def _is_own(before: Activity, after: Activity, turns: Sequence[Turn]) -> bool:
    """Whether only the cell's own work can lie between two readings."""
    for earlier, later in pairwise(turns):
        frozen_ns = min(after.at_ns, later.start_ns) - max(before.at_ns, earlier.end_ns)
        if frozen_ns > NEAR_NS:
            return False
    return True


def _idle_in_transaction(recording: Recording) -> list[tuple[int, int]]:
    """In how many of the cell's own connections a transaction waited at each reading: at least, and at most.

    Connections of frozen services keep their state. So others hold no more than the least that was seen in a turn, or
    just before it, and perhaps none: the cell's own may have been frozen in a transaction as well.
    """
    held = [activity.idle_in_transaction(one) for one in recording.activity]
    of_turn = [_turn_of(one, recording.turns) for one in recording.activity]
    least: dict[int, int] = {}
    for number, count in zip(of_turn, held, strict=True):
        least[number] = min(count, least.get(number, count))
    return [(count - least[number], count) for number, count in zip(of_turn, held, strict=True)]


def _turn_of(reading: Activity, turns: Sequence[Turn]) -> int:
    """The turn that a reading is in; between two turns, the nearer one."""
    return min(
        range(len(turns)),
        key=lambda number: max(turns[number].start_ns - reading.at_ns, reading.at_ns - turns[number].end_ns, 0),
    )
