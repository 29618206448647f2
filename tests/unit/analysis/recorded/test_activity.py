"""What PostgreSQL said of a service's connections: a window's peaks and transactions, and the file of all readings."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from bench.analysis.recorded.activity import Peaks, Times, activity_csv, peaks, transactions_per_request
from bench.analysis.recorded.windows import Window
from suite.activity import Activity

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)


def reading(
    at_s: float,
    states: dict[str, int],
    waits: dict[str, int],
    oldest_s: float,
    transactions: int = 0,
    reporting: int = 0,
) -> Activity:
    """At so many seconds from the window's start."""
    at_ns = WINDOW.start_ns + round(at_s * SECOND_NS)
    return Activity(at_ns, states, waits, oldest_s, sum(states.values()), transactions, reporting)


READINGS = [
    reading(-0.5, {"idle": 90, "idle in transaction": 30}, {}, 99.0, 7000),
    reading(0.0, {"idle": 4}, {}, 0.0, 7010),
    reading(
        0.2504,
        {"active": 3, "idle": 1, "idle in transaction": 2, "idle in transaction (aborted)": 1, "unknown": 1},
        {"Lock:transactionid": 2, "Client:ClientRead": 1},
        0.0126,
        7010,
    ),
    reading(10.0, {"active": 7, "fastpath function call": 2}, {"Extension:a, b": 1}, 2.5, 7500),
    reading(10.001, {"idle": 91, "idle in transaction": 31}, {}, 98.0, 7501),
]


def test_readings_are_kept_as_csv() -> None:
    """A row a reading, inside the window or not; waits sorted, and quoted where a name asks for it."""
    assert activity_csv(READINGS, WINDOW).splitlines() == [
        "at_s,connections,active,idle,idle_in_transaction,other,oldest_transaction_s,transactions,waits",
        "-0.500,120,0,90,30,0,99.000,0,",
        "0.000,4,0,4,0,0,0.000,10,",
        "0.250,8,3,1,3,1,0.013,10,Client:ClientRead=1;Lock:transactionid=2",
        '10.000,9,7,0,0,2,2.500,500,"Extension:a, b=1"',
        "10.001,122,0,91,31,0,98.000,501,",
    ]
    assert activity_csv(READINGS[:1], WINDOW).endswith(",\n")


def counted(ended: Callable[[float], float], *, late: tuple[float, float] = (99, 99)) -> list[Activity]:
    """Readings every quarter of a second, from 3 s before the window to 2 s behind it; reports are late in between.

    The watcher's own transactions come on top, one a reading.
    """
    times_s = [0.1 + number * 0.25 for number in range(-12, 48)]
    return [
        reading(at, {}, {}, 0.0, round(ended(at)) + number, reporting=late[0] <= at <= late[1])
        for number, at in enumerate(times_s)
    ]


def requests(rate: Callable[[float], float]) -> Times:
    """When requests ended at this rate, from 4 s before the window to 3 s behind it."""
    times_s, at_s = [], -4.0
    while at_s < 13:
        times_s.append(at_s)
        at_s += 1 / rate(at_s)
    return np.array([WINDOW.start_ns + round(at * SECOND_NS) for at in times_s])


def reported(ended: Callable[[float], float], backends: int, first_s: float) -> Callable[[float], float]:
    """The count of so many backends that each report once a second, one after the other."""
    each = [first_s + number / backends for number in range(backends)]
    return lambda at_s: 50_000 + math.fsum(ended(math.floor(at_s - one) + one) for one in each) / backends


STEADY = requests(lambda _: 500)


UNSTEADY = requests(lambda at_s: 300 if 2 < at_s < 6 else 900)


@pytest.mark.parametrize("ended_ns", [STEADY, UNSTEADY], ids=["steady", "unsteady"])
def test_transactions_follow_requests_half_a_second_later(ended_ns: Times) -> None:
    """Two a request, at whatever rate: all of the database's but the watcher's own."""
    assert transactions_per_request(
        counted(lambda at: 2 * before(ended_ns, at - 0.5)), ended_ns, WINDOW
    ) == pytest.approx(2, rel=0.001)


def before(ended_ns: Times, at_s: float) -> int:
    return int(np.searchsorted(ended_ns, WINDOW.start_ns + round(at_s * SECOND_NS)))


@pytest.mark.parametrize(("backends", "length_s", "within"), [(1, 10, 0.03), (10, 10, 0.01), (1, 4, 0.12)])
@pytest.mark.parametrize("ended_ns", [STEADY, UNSTEADY], ids=["steady", "unsteady"])
def test_backends_that_report_once_a_second_change_little(
    ended_ns: Times, backends: int, length_s: int, within: float
) -> None:
    """Least when they do so one after the other; and wherever in a second the window begins."""
    window = Window(WINDOW.start_ns, WINDOW.start_ns + length_s * SECOND_NS, 3)
    for tenth in range(10):
        count = reported(lambda at: 3 * before(ended_ns, at), backends, tenth / 10)
        assert transactions_per_request(counted(count), ended_ns, window) == pytest.approx(3, rel=within)


def test_late_reports_of_others_are_left_out() -> None:
    """Three thousand transactions of an earlier cell, reported in the window: they are not this one's."""

    def late(at_s: float) -> float:
        return before(STEADY, at_s - 0.5) + (3000 if at_s > 2.6 else 0)

    assert transactions_per_request(counted(late, late=(2.0, 3.4)), STEADY, WINDOW) == pytest.approx(1, rel=0.001)
    assert transactions_per_request(counted(late), STEADY, WINDOW) != pytest.approx(1, rel=0.1)


def test_what_is_too_short_shows_no_transactions() -> None:
    """A window, or what late reports leave of one; nor is anything known without readings or without requests."""
    readings = counted(lambda at: before(STEADY, at))
    short = Window(WINDOW.start_ns, WINDOW.start_ns + 2 * SECOND_NS, 3)
    assert transactions_per_request(readings, STEADY, short) is None
    assert transactions_per_request(counted(lambda _: 0, late=(2.0, 9.0)), STEADY, WINDOW) is None
    assert transactions_per_request([], STEADY, WINDOW) is None
    assert transactions_per_request(readings, STEADY[:0], WINDOW) is None


def test_peaks_are_those_of_the_window() -> None:
    """Both of its ends belong to it; what was before and after it does not."""
    assert peaks(READINGS, WINDOW) == Peaks(connections=9, idle_in_transaction=3, oldest_transaction_s=2.5)
    assert peaks([READINGS[0], READINGS[-1]], WINDOW) is None
    assert peaks([], WINDOW) is None
