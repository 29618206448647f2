"""Activity: states and waits as real connections have them, a watcher that leaves nothing behind, and what it kept."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from socket import create_server

import numpy as np
import psycopg
import pytest

from bench.analysis.recorded.activity import Peaks, Times, activity_csv, peaks, transactions_per_request
from bench.analysis.recorded.windows import Window
from bench.measure.watch.activity import Watcher
from db import server
from db.activity import look
from db.dsn import Dsn
from suite.activity import Activity

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)
NAME = "activity_test"


def until(holds: Callable[[], bool], seconds: float = 2) -> None:
    """A backend follows its client a moment later."""
    deadline = time.perf_counter() + seconds
    while not holds():
        assert time.perf_counter() < deadline, "not within time"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def apart(database: Dsn) -> Iterator[Dsn]:
    """A database of the same server where nobody else connects: services of other tests keep their pools."""
    with server.connect(database) as owner:
        owner.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
        yield replace(database, dbname=NAME)
        owner.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture
def alone(apart: Dsn) -> Dsn:
    """That database, when the last test's connections have gone."""
    with server.connect(apart) as connection:
        until(lambda: look(connection).connections == 0)
        pid = connection.info.backend_pid
    with server.connect(replace(apart, dbname="postgres")) as elsewhere:
        gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
        until(lambda: elsewhere.execute(gone, [pid]).fetchone() == (True,))
    return apart


@pytest.fixture
def asker(alone: Dsn) -> Iterator[psycopg.Connection]:
    with server.connect(alone) as connection:
        yield connection


def test_nobody_else_is_nobody(asker: psycopg.Connection, database: Dsn) -> None:
    """Neither who asks nor a connection to another database is counted; no transaction has no age."""
    with server.connect(database):
        before_ns = time.perf_counter_ns()
        seen = look(asker)
        assert seen == Activity(seen.at_ns, {}, {}, 0.0, 0, seen.transactions, 0)
        assert before_ns <= seen.at_ns <= time.perf_counter_ns()


def test_an_open_transaction_is_seen_and_grows_older(alone: Dsn, asker: psycopg.Connection) -> None:
    """Idle in transaction, at the age that the clock says; in another state once a statement has failed."""
    with server.connect(alone, autocommit=False) as holder:
        holder.execute("SELECT 1")
        first = look(asker)
        time.sleep(0.2)
        second = look(asker)
        assert (first.states, first.waits, first.connections) == ({"idle in transaction": 1}, {}, 1)
        assert first.oldest_transaction_s > 0
        grown_s = second.oldest_transaction_s - first.oldest_transaction_s
        assert grown_s == pytest.approx((second.at_ns - first.at_ns) / 1e9, abs=0.1)
        with pytest.raises(psycopg.errors.DivisionByZero):
            holder.execute("SELECT 1/0")
        assert look(asker).states == {"idle in transaction (aborted)": 1}
        holder.rollback()
        until(lambda: look(asker).states == {"idle": 1})
        assert look(asker).oldest_transaction_s == 0.0


def test_idle_connections_are_idle(alone: Dsn, asker: psycopg.Connection) -> None:
    """All of them, and that they wait for their clients is no wait."""
    with server.connect(alone), server.connect(alone) as second:
        second.execute("SELECT 1")
        until(lambda: look(asker).states == {"idle": 2})
        seen = look(asker)
        assert (seen.waits, seen.oldest_transaction_s, seen.connections) == ({}, 0.0, 2)
    until(lambda: look(asker).connections == 0)


def test_an_active_connection_is_seen_with_its_wait(alone: Dsn, asker: psycopg.Connection) -> None:
    """One sleeps in the server, beside an idle one."""
    with server.connect(alone) as sleeper, server.connect(alone), ThreadPoolExecutor(1) as pool:
        slept = pool.submit(sleeper.execute, "SELECT pg_sleep(1)")
        until(lambda: look(asker).waits == {"Timeout:PgSleep": 1}, 0.9)
        seen = look(asker)
        assert (seen.states, seen.waits, seen.connections) == ({"active": 1, "idle": 1}, {"Timeout:PgSleep": 1}, 2)
        slept.result(2)
    assert 0 < seen.oldest_transaction_s < 1.5


def test_a_look_is_one_transaction(alone: Dsn, asker: psycopg.Connection) -> None:
    """And a connection's start is one: what a caller subtracts. A backend has reported all when it has ended."""
    before = look(asker).transactions
    with server.connect(alone) as looker:
        for _ in range(500):
            look(looker)
    until(lambda: look(asker).transactions - before >= 501)
    # Our own looks come on top, as far as they are reported.
    assert look(asker).transactions - before < 560


def test_a_reset_script_is_one_transaction(alone: Dsn, asker: psycopg.Connection) -> None:
    """Statements that are sent together are one, and so are those between BEGIN and ROLLBACK."""
    before = look(asker).transactions
    with server.connect(alone) as client:
        for _ in range(200):
            client.execute("SELECT 1", prepare=False)
            client.execute("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;", prepare=False)
        for _ in range(100):
            client.execute("BEGIN")
            client.execute("SELECT 1", prepare=False)
            client.execute("ROLLBACK")
    until(lambda: look(asker).transactions - before >= 501)
    assert look(asker).transactions - before < 560


def test_who_reports_late_is_counted(alone: Dsn) -> None:
    """Idle for as long as that takes, here 0.2 to 0.6 s, for one who began to ask then; not who has only connected."""
    late_s = (0.2, 0.6)
    with server.connect(alone) as asked_before, server.connect(alone) as worker:
        time.sleep(1.05)
        worker.execute("SELECT 1")
        with server.connect(alone) as asking:
            assert (look(asking, late_s).reporting, look(asking).reporting) == (0, 0)
            time.sleep(0.3)
            assert (look(asking, late_s).reporting, look(asked_before, late_s).reporting) == (1, 0)
            time.sleep(0.4)
            assert look(asking, late_s).reporting == 0


def test_a_watcher_does_not_count_itself(alone: Dsn, asker: psycopg.Connection) -> None:
    """It sees the one that asks here, and nobody else, four times a second; its connection ends with the block."""
    with Watcher(alone) as watcher:
        until(lambda: look(asker).connections == 1)
        time.sleep(0.6)
        asked = time.perf_counter()
    assert time.perf_counter() - asked < 2
    assert not watcher._thread.is_alive()
    assert {one.connections for one in watcher.readings} == {1}
    assert 2 <= len(watcher.readings) <= 5
    assert watcher.problem == ""
    until(lambda: look(asker).connections == 0)


def test_a_watcher_whose_connection_is_ended_says_so(
    alone: Dsn, asker: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is raised or logged; what it had read stays."""
    with Watcher(alone) as watcher:
        until(lambda: bool(watcher.readings))
        asker.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        until(lambda: not watcher._thread.is_alive())
    assert "terminating connection" in watcher.problem
    assert watcher.readings
    assert caplog.text == ""


def test_a_server_that_is_not_there_is_a_problem(alone: Dsn) -> None:
    """The block goes on without readings."""
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Watcher(replace(alone, host="127.0.0.1", port=port)) as watcher:
        until(lambda: not watcher._thread.is_alive())
    assert watcher.problem.startswith("cannot connect to ")
    assert watcher.readings == []


def test_a_server_that_hangs_is_not_waited_for(alone: Dsn) -> None:
    """It accepts and never answers: the block ends within 2 s all the same, and says why nothing was read."""
    with create_server(("127.0.0.1", 0)) as silent:
        dsn = replace(alone, host="127.0.0.1", port=silent.getsockname()[1])
        with Watcher(dsn) as watcher:
            asked = time.perf_counter()
        assert time.perf_counter() - asked < 2
        assert watcher.problem == f"{dsn.redacted} does not answer"
    until(lambda: not watcher._thread.is_alive())
    assert watcher.readings == []


def test_a_look_costs_little(alone: Dsn, asker: psycopg.Connection) -> None:
    """Below 1% of a CPU at four a second, with 20 connections to report: 2.5 ms each, in the best of five batches."""
    others = [server.connect(alone) for _ in range(20)]
    look(asker)
    batches_s = []
    for _ in range(5):
        before_s = time.process_time()
        for _ in range(20):
            look(asker)
        batches_s.append(time.process_time() - before_s)
    each_s = min(batches_s) / 20
    for one in others:
        one.close()
    assert each_s < 0.0025


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
