"""When a load that bench starts may begin to measure, and when it may end: two waits, both bounded.

It warms up for at least twice the response time that it sees itself. After its window it goes on until all requests of
the window have ended, or in turns nearly all. Both follow from what all of its processes have begun and ended.
"""

import time
from collections.abc import Callable

import gevent

from locustfiles._ledger import LedgerState

EVERY_S = 0.1
RESPONSE_TIMES = 2.0  # the first requests of a load meet an empty service; the next ones meet the queue
FEW = 0.001  # of the window's requests

State = Callable[[], LedgerState]


def warm_up(state: State, least_s: float, most_s: float) -> None:
    """Wait for `least_s`, and then until RESPONSE_TIMES have passed, but at most for `most_s`."""
    began, first = time.perf_counter(), state()
    gevent.sleep(least_s)
    while (elapsed_s := time.perf_counter() - began) < most_s:
        needed_s = RESPONSE_TIMES * response_time_s(first, state(), elapsed_s)
        if elapsed_s >= needed_s:
            return
        gevent.sleep(min(EVERY_S, most_s - elapsed_s))


def response_time_s(first: LedgerState, now: LedgerState, elapsed_s: float) -> float:
    """The mean response time that a load sees: open requests / rate of ended ones. Infinite until one has ended.

    Source: Little's law, L = lambda W (Little, "A proof for the queuing formula", Operations Research 9, 1961). It
    tells the response time long before the first request has met the whole queue.
    """
    if not now.open:
        return 0.0
    ended = now.ended - first.ended
    return now.open / (ended / elapsed_s) if ended > 0 else float("inf")


def wait_until_few(state: State, still_open: Callable[[], int], begun: int, most_s: float) -> None:
    """Wait while the load goes on, until of `begun` requests of the window hardly any is `still_open`.

    At most FEW of them, and two response times after the window: these are slower than nearly all others, whatever
    comes. At most for `most_s`.
    """
    began, first = time.perf_counter(), state()
    while (left := still_open()) and (elapsed_s := time.perf_counter() - began) < most_s:
        if left <= FEW * begun and elapsed_s >= RESPONSE_TIMES * response_time_s(first, state(), elapsed_s):
            return
        gevent.sleep(EVERY_S)


def wait_for_window(state: State, end_ns: int, most_s: float) -> None:
    """Wait until every request that began before `end_ns` has ended, but at most for `most_s`."""
    deadline = time.perf_counter() + most_s
    while 0 < state().oldest_ns < end_ns and time.perf_counter() < deadline:
        gevent.sleep(EVERY_S)
