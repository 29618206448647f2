"""The two waits of a load: until it has warmed up, and until the requests of its window have ended."""

import time
from collections.abc import Callable
from itertools import chain, repeat

import pytest

from locustfiles import _phases
from locustfiles._ledger import LedgerState
from tests.unit.conftest import InGreenlet

FULL = 1000


def took_s(in_greenlet: InGreenlet, wait: Callable[..., None], *arguments: object) -> float:
    """How long a wait takes."""
    began = time.perf_counter()
    in_greenlet(wait, *arguments)
    return time.perf_counter() - began


def serving(rate_rps: float) -> Callable[[], LedgerState]:
    """The state of a load of 1000 users that is answered at a steady rate from now on."""
    began = time.perf_counter()
    return lambda: LedgerState(FULL, int(rate_rps * (time.perf_counter() - began)), FULL, 1)


@pytest.mark.parametrize(
    ("ended", "open_", "elapsed_s", "expected_s"),
    [(2000, 1000, 2.0, 1.0), (320, 1000, 2.0, 6.25), (0, 1000, 3.0, float("inf")), (0, 0, 3.0, 0.0)],
)
def test_the_response_time_follows_from_littles_law(
    ended: int, open_: int, elapsed_s: float, expected_s: float
) -> None:
    """Requests in the service / rate of answers; without any answer it may be anything."""
    first, now = LedgerState(50, 50, 0, 0), LedgerState(50 + open_ + ended, 50 + ended, open_, 1)
    assert _phases.response_time_s(first, now, elapsed_s) == expected_s


@pytest.mark.parametrize(
    ("rate_rps", "least_s", "most_s", "expected_s"),
    [(100_000, 0.3, 5.0, 0.3), (4_000, 0.1, 5.0, 0.5), (500, 0.1, 0.6, 0.6), (0, 0.1, 0.4, 0.4)],
    ids=["fast", "slow", "slower than the bound", "without an answer"],
)
def test_a_warm_up_lasts_twice_the_response_time(
    in_greenlet: InGreenlet, rate_rps: float, least_s: float, most_s: float, expected_s: float
) -> None:
    """At least as long as planned, at most as long as allowed. 4,000 requests/s of 1000 users take 0.25 s each."""
    spent_s = took_s(in_greenlet, _phases.warm_up, serving(rate_rps), least_s, most_s)
    assert spent_s == pytest.approx(expected_s, abs=0.2)


def test_a_load_goes_on_until_its_oldest_request_is_of_after_the_window(in_greenlet: InGreenlet) -> None:
    """Here at the fourth look."""
    seen = chain((LedgerState(9, 0, 9, at_ns) for at_ns in (10, 50, 99)), repeat(LedgerState(9, 5, 4, 100)))
    assert took_s(in_greenlet, _phases.wait_for_window, lambda: next(seen), 100, 9.0) == pytest.approx(0.3, abs=0.2)


def test_a_request_that_never_ends_is_waited_for_no_longer_than_allowed(in_greenlet: InGreenlet) -> None:
    """It is unfinished then."""
    hung = LedgerState(9, 8, 1, 50)
    assert took_s(in_greenlet, _phases.wait_for_window, lambda: hung, 100, 0.4) == pytest.approx(0.4, abs=0.2)


def test_a_load_in_turns_waits_for_nearly_all_requests(in_greenlet: InGreenlet) -> None:
    """Of 4,000 requests four may be left, once two response times (here 0.25 s each) are over."""
    began = time.perf_counter()

    def left(few: int) -> Callable[[], int]:
        return lambda: 100 if time.perf_counter() - began < 0.2 else few

    assert took_s(in_greenlet, _phases.wait_until_few, serving(4_000), left(4), 4_000, 5.0) == pytest.approx(
        0.5, abs=0.2
    )
    assert took_s(in_greenlet, _phases.wait_until_few, serving(4_000), left(5), 4_000, 1.5) == pytest.approx(
        1.5, abs=0.2
    )
    assert took_s(in_greenlet, _phases.wait_until_few, serving(4_000), lambda: 0, 4_000, 5.0) < 0.2


def test_a_load_with_nothing_open_need_not_wait(in_greenlet: InGreenlet) -> None:
    """All that it began has ended."""
    assert took_s(in_greenlet, _phases.wait_for_window, lambda: LedgerState(9, 9, 0, 0), 100, 5.0) < 0.2
