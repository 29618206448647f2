"""What a database's connections were doing at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    """The connections to one database at one moment (ns, monotonic), without the one that asked.

    `states` counts them by state. `waits` counts those that are active and wait, as `type:event`; an active one that
    is not there is running. `oldest_transaction_s` is 0 when no transaction is open.

    `transactions` of the database have ended so far, as far as their backends have reported it; those of the one that
    asked count, too: one for each look, and one for its connection. The count lags. From version 15, a backend adds
    what it did to the total between two transactions, at most once a second; one that becomes idle sooner does so 9 to
    10 s after its last transaction. `reporting` counts those that are about to or just have, and were idle already when
    the asking connection began; a connection that did nothing after its first second has nothing to report. (Version 14
    sends to a collector, at most every 0.5 s, and an idle backend keeps its last ones to itself.) Source:
    pgstat_report_stat() in pgstat.c, and "Viewing Statistics" in the documentation.
    """

    at_ns: int
    states: Mapping[str, int]
    waits: Mapping[str, int]
    oldest_transaction_s: float
    connections: int
    transactions: int
    reporting: int
