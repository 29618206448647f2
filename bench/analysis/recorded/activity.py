"""What PostgreSQL said of a service's connections, four times a second: what that says of a window."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.recorded.windows import Window
from suite.activity import Activity

Times = npt.NDArray[np.int64]
IDLE_IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")
COLUMNS = (
    "at_s", "connections", "active", "idle", "idle_in_transaction", "other", "oldest_transaction_s", "transactions",
    "waits",
)  # fmt: skip
LAG_S = 0.5
LEAST_S = 2.5  # backends report their transactions once a second: what less time shows is mostly when they did


@dataclass(frozen=True)
class Peaks:
    """The most that any reading of a window showed."""

    connections: int
    idle_in_transaction: int
    oldest_transaction_s: float


def peaks(readings: Sequence[Activity], window: Window) -> Peaks | None:
    """Over the readings inside the window; None when there is none."""
    inside = [one for one in readings if window.start_ns <= one.at_ns <= window.end_ns]
    if not inside:
        return None
    return Peaks(
        connections=max(one.connections for one in inside),
        idle_in_transaction=max(idle_in_transaction(one) for one in inside),
        oldest_transaction_s=max(one.oldest_transaction_s for one in inside),
    )


def transactions_per_request(readings: Sequence[Activity], ended_ns: Times, window: Window) -> float | None:
    """How many transactions a request took, without the watcher's own; None when the window is too short to say.

    `ended_ns` is when each request of the load ended, ascending. The least-squares slope of the count of transactions
    over that of requests, at the readings inside the window; the latter is taken LAG_S earlier, since a backend has
    reported last half a second ago on average. While connections that became idle before the window report what they
    did until then, readings are left out, which may interrupt the line: one slope is fitted to all its pieces.
    """
    pieces: list[list[tuple[Activity, int]]] = [[]]
    for looks, one in enumerate(readings):
        if one.reporting and pieces[-1]:
            pieces.append([])
        elif not one.reporting and window.start_ns <= one.at_ns <= window.end_ns:
            pieces[-1].append((one, one.transactions - looks))
    pieces = [piece for piece in pieces if piece]
    if max(((piece[-1][0].at_ns - piece[0][0].at_ns) / 1e9 for piece in pieces), default=0.0) < LEAST_S:
        return None
    square = product = 0.0
    for piece in pieces:
        requests = np.searchsorted(ended_ns, [one.at_ns - round(LAG_S * 1e9) for one, _ in piece])
        more_requests = requests - requests.mean()
        square += float(more_requests @ more_requests)
        product += float(more_requests @ np.array([count for _, count in piece], dtype=float))
    return max(0.0, product / square) if square else None


def activity_csv(readings: Sequence[Activity], window: Window) -> str:
    """All readings as CSV: seconds from the window's start, connections by state, and what the active ones wait for.

    Transactions are those that were reported since the first reading, the watcher's own included.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")  # an extension may name its wait events with any character
    writer.writerow(COLUMNS)
    for one in readings:
        active, idle = one.states.get("active", 0), one.states.get("idle", 0)
        held = idle_in_transaction(one)
        waits = ";".join(f"{name}={number}" for name, number in sorted(one.waits.items()))
        at_s, oldest_s = f"{(one.at_ns - window.start_ns) / 1e9:.3f}", f"{one.oldest_transaction_s:.3f}"
        other = one.connections - active - idle - held
        ended = one.transactions - readings[0].transactions
        writer.writerow((at_s, one.connections, active, idle, held, other, oldest_s, ended, waits))
    return text.getvalue()


def idle_in_transaction(reading: Activity) -> int:
    """In how many connections a transaction waits."""
    return sum(reading.states.get(state, 0) for state in IDLE_IN_TRANSACTION)
