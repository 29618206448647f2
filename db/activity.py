"""What a database's connections are doing at one moment, and how many transactions it has seen."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

UNKNOWN = "unknown"
"""The state of a connection that is only just being set up, or whose session has track_activities off."""

# Grouped in the server: what comes back does not grow with the number of connections.
_ACTIVITY = """
    SELECT state, wait_event_type || ':' || wait_event AS wait, count(*),
           max(extract(epoch FROM clock_timestamp() - xact_start))::float8
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
    GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Activity:
    """The connections to one database at one moment (ns, monotonic), without the one that asked.

    `states` counts them by state. `waits` counts those that are active and wait, as `type:event`; an active one that
    is not there is running. `oldest_transaction_s` is 0 when no transaction is open.
    """

    at_ns: int
    states: Mapping[str, int]
    waits: Mapping[str, int]
    oldest_transaction_s: float
    connections: int


def look(connection: psycopg.Connection) -> Activity:
    """Ask now, over a connection in autocommit: one query, and so one transaction of the asker's own.

    Connections of other roles are seen by a superuser or a member of pg_read_all_stats only. Raises psycopg.Error.
    """
    # psycopg would prepare it on the sixth call, which PostgreSQL counts as a transaction of its own.
    rows = connection.execute(_ACTIVITY, prepare=False).fetchall()
    at_ns = time.perf_counter_ns()  # on a busy server, most of the query's time passes before it is executed
    states: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    for state, wait, number, _ in rows:
        states[state or UNKNOWN] += number
        if state == "active" and wait is not None:
            waits[wait] += number
    oldest_s = max((age_s for *_, age_s in rows if age_s is not None), default=0.0)
    return Activity(at_ns, dict(states), dict(waits), oldest_s, states.total())


def transactions(connection: psycopg.Connection) -> int:
    """How many transactions of the current database have ended so far, as far as their backends have reported it.

    Own ones count, too: two for each call in autocommit, and one for every connection that was ever opened.

    The count lags. From version 15, a backend adds what it did to the total between two transactions, at most once a
    second, and only when some table was read or written since: one that becomes idle sooner does so 10 s later, and one
    that touched no table at its end. (Version 14 sends to a collector, at most every 0.5 s, and has no such timer.)
    Under load, this is up to a second of each backend's work; for an exact count, end its connections first. Source:
    PostgreSQL's documentation, "Viewing Statistics", and pgstat_report_stat() in pgstat.c. Raises psycopg.Error.
    """
    # Views of statistics do not change within a transaction, should the caller be in one.
    connection.execute("SELECT pg_stat_clear_snapshot()", prepare=False)
    [(ended,)] = connection.execute(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()", prepare=False
    ).fetchall()
    return int(ended)
