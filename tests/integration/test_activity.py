"""Activity: states and waits as real connections have them, and a watcher that leaves nothing behind."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from socket import create_server

import psycopg
import pytest

from bench.measure.watch.activity import Watcher
from db import server
from db.activity import look
from db.address.dsn import Dsn
from suite.activity import Activity

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


def test_who_was_idle_before_a_turn_is_counted_whoever_asks(alone: Dsn, asker: psycopg.Connection) -> None:
    """Although the connection that asks is older; not who has worked since."""
    late_s = (0.2, 1.5)
    with server.connect(alone) as frozen, server.connect(alone) as working:
        time.sleep(1.05)
        for one in (frozen, working):
            one.execute("SELECT 1")
        time.sleep(0.05)
        turn_ns = time.perf_counter_ns()
        time.sleep(0.2)  # a look may take some of that
        working.execute("SELECT 1")
        time.sleep(0.3)
        seen = look(asker, late_s, turn_ns)
        assert (seen.reporting, seen.idle_since_ns) == (1, turn_ns)
        assert look(asker, late_s).reporting == 0
        assert look(asker, late_s, time.perf_counter_ns()).reporting == 2


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
