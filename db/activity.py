"""Reads the states of a database's connections at one moment, and how many of its transactions have ended."""

import time
from collections import Counter
from typing import NamedTuple

import psycopg

from suite.activity import Activity

UNKNOWN = "unknown"
"""The state of a connection that is just being set up, or whose session has track_activities off."""
REPORTING_S = (8.9, 10.4)
"""After how long idle a connection reports its remaining statistics, with a margin at both ends."""
# Grouped in the server: the size of the result does not grow with the number of connections.
_ACTIVITY = """
    SELECT ended.transactions, state, wait, coalesce(number, 0), oldest_s, coalesce(reporting, 0)
    FROM (SELECT xact_commit + xact_rollback AS transactions
          FROM pg_stat_database WHERE datname = current_database()) AS ended
    LEFT JOIN (
        SELECT state, wait_event_type || ':' || wait_event AS wait, count(*) AS number,
               max(extract(epoch FROM clock_timestamp() - xact_start))::float8 AS oldest_s,
               count(*) FILTER (WHERE state = 'idle'
                   AND state_change - backend_start > interval '1 second'
                   AND state_change < coalesce(
                       clock_timestamp() - make_interval(secs => %s),
                       (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())))
                   AND clock_timestamp() - state_change BETWEEN make_interval(secs => %s) AND make_interval(secs => %s)
               ) AS reporting
        FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
        GROUP BY 1, 2) AS others ON true
"""


def look(
    connection: psycopg.Connection,
    reporting_s: tuple[float, float] = REPORTING_S,
    idle_since_ns: int | None = None,
) -> Activity:
    """Query now, over a connection in autocommit: one query, so one transaction of this connection.

    `idle_since_ns` (monotonic): only connections that are idle since then count as reporting, because others have
    worked meanwhile. Only a superuser or a member of pg_read_all_stats sees connections of other roles. Raises
    psycopg.Error.
    """
    # psycopg would prepare it on the sixth call, and PostgreSQL counts that as another transaction.
    since_s = None if idle_since_ns is None else (time.perf_counter_ns() - idle_since_ns) / 1e9
    rows = connection.execute(_ACTIVITY, (since_s, *reporting_s), prepare=False).fetchall()
    at_ns = time.perf_counter_ns()  # on a busy server, most of the query's time passes before its execution
    states: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    for _, state, wait, number, *_ in rows:
        if number:
            states[state or UNKNOWN] += number
        if state == "active" and wait is not None:
            waits[wait] += number
    oldest_s = max((age_s for *_, age_s, _ in rows if age_s is not None), default=0.0)
    ended, reporting = int(rows[0][0]), sum(row[-1] for row in rows)
    return Activity(at_ns, dict(states), dict(waits), oldest_s, states.total(), ended, reporting, idle_since_ns)


class Holder(NamedTuple):
    """A connection by its client's address ("" for a socket in the file system), port (then -1) and state."""

    address: str
    port: int
    state: str


# The client's address distinguishes connections that share a role and a database.
_HOLDERS = """
    SELECT coalesce(host(client_addr), ''), coalesce(client_port, -1), coalesce(state, %s)
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
"""


def holders(connection: psycopg.Connection) -> list[Holder]:
    """The holder of each connection except this one.

    For connections of other roles, see `look`. Raises psycopg.Error.
    """
    return [Holder(*row) for row in connection.execute(_HOLDERS, [UNKNOWN], prepare=False)]
