"""Rules: the service did the work that its answers stand for."""

from collections.abc import Iterator

from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds

LEAST_REQUESTS = 100  # what a backend has not reported yet is a large part of fewer
TIMER_S = 0.002  # timers of an event loop count whole milliseconds


def failed(seen: Evidence, limits: Thresholds) -> str:
    """Too many requests failed: failing fast is no speed."""
    if limits.expect_failures or not seen.requests or seen.failures <= limits.failures * seen.requests:
        return ""
    share = f"{seen.failures / seen.requests:.2%}, more than {limits.failures:.1%}"
    return f"{seen.failures} of {seen.requests} requests failed ({share})"


def transactions_changed(seen: Evidence, limits: Thresholds) -> str:
    """The service asks the database for more or less than when it was verified: it caches, for example."""
    least, most = seen.work.transactions_least, seen.work.transactions_most
    if seen.transactions is None or least is None or not most or seen.requests < LEAST_REQUESTS or not seen.completed:
        return ""
    made = seen.transactions / seen.completed
    if least * (1 - limits.transactions) <= made <= most * (1 + limits.transactions):
        return ""
    others = "" if made < least else " (on a database that others use, theirs count, too)"
    return f"the service made {made:.2f} transactions a request; verification counted {most:.2f}{others}"


def too_fast(seen: Evidence, limits: Thresholds) -> str:
    """An answer came sooner than the work for it can be done."""
    return "; ".join(
        f"a right answer of {one.operation} came after {one.fastest_s:.3g} s, and its work takes {one.floor_s:g} s"
        for one in seen.work.fastest
        if one.fastest_s < min(one.floor_s * (1 - limits.floor), one.floor_s - TIMER_S)
    )


def not_called(seen: Evidence, limits: Thresholds) -> str:
    """Fewer calls of the external API than answers that need one each."""
    calls, needed = seen.work.calls, seen.work.calls_needed
    if calls is None or calls >= needed * (1 - limits.calls):
        return ""
    return f"the external API answered {calls:,} calls, and {needed:,} answers needed one each ({calls / needed:.1%})"


def unchecked(seen: Evidence) -> Iterator[str]:
    """What these rules could not see, of a service whose transactions were verified."""
    if seen.transactions_unknown and seen.work.transactions_most:
        yield f"transactions: {seen.transactions_unknown}"


RULES = (failed, transactions_changed, too_fast, not_called)
