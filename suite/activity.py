"""The record of a database's connections at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    """The connections to one database at one moment (ns, monotonic), without the connection that reads this.

    `states` counts them by state. `waits` counts active connections that wait, as `type:event`; other active ones are
    running. `oldest_transaction_s` is 0 when no transaction is open.

    `transactions` is the number of ended transactions that backends have reported so far. It includes those of the
    reading connection: one for each reading, and one for its start. The number lags. From version 15, a backend reports
    between two transactions, at most once a second. If it becomes idle sooner, it reports 9 to 10 s after its last
    transaction. `reporting` counts the backends that are about to report or have just reported, and that were idle when
    the reading connection began, or at `idle_since_ns` (monotonic) where that is given. A connection that did nothing
    after its first second has nothing to report. (Version 14 sends to a collector, at most every 0.5 s, and an idle
    backend does not send its last transactions.) Source: pgstat_report_stat() in pgstat.c, and "Viewing Statistics" in
    the documentation.
    """

    at_ns: int
    states: Mapping[str, int]
    waits: Mapping[str, int]
    oldest_transaction_s: float
    connections: int
    transactions: int
    reporting: int
    idle_since_ns: int | None = None
