"""What messages on the wire say of a service: recorded ones, and those of real libraries in unusual set-ups."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, make_url, text

from bench.analysis.conversation import wire_facts
from bench.analysis.conversation.wire_facts import Wire
from db.dsn import Dsn
from db.protocol import Message
from db.wire import Relay

READ = "SELECT id, name FROM users WHERE id = "
RESET = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"


def startup(connection: int, *words: str) -> Message:
    return Message(1, connection, True, b"", b"\0\3\0\0" + "\0".join(("user", "me", *words, "", "")).encode())


def query(connection: int, sql: str, at_ns: int = 5) -> Message:
    return Message(at_ns, connection, True, b"Q", sql.encode() + b"\0")


def parse(connection: int, name: str, sql: str) -> Message:
    return Message(5, connection, True, b"P", f"{name}\0{sql}\0\0\0".encode())


def bind(connection: int, name: str) -> Message:
    return Message(5, connection, True, b"B", f"\0{name}\0\0\0".encode())


def answer(connection: int) -> Message:
    return Message(5, connection, False, b"D", b"BEGIN ISOLATION LEVEL SERIALIZABLE\0")


def simple(number: int) -> list[Message]:
    """In a transaction, on whichever connection is next of two."""
    said = [query(1 + number % 2, sql) for sql in ("BEGIN", f"{READ}{number}", "COMMIT")]
    return [message for one in said for message in (one, answer(one.connection))]


def prepared(_: int) -> list[Message]:
    """With a statement that the connection knows, and a reset, always on the same one."""
    return [bind(1, "s1"), answer(1), query(1, RESET)]


def unnamed(number: int) -> list[Message]:
    """Anew each time, the transaction in the same protocol, on connections in no order."""
    connection = (1, 2, 2, 1)[number]
    return [
        message
        for sql in ("BEGIN ISOLATION LEVEL REPEATABLE READ", f"{READ}$1", "ROLLBACK")
        for message in (parse(connection, "", sql), bind(connection, ""))
    ]


def anew(_: int) -> list[Message]:
    """With a name, but prepared each time, after a look whether the connection lives."""
    return [query(1, ";"), query(1, "SELECT 1"), parse(1, "s1", f"{READ}$1"), bind(1, "s1")]


RECORDED: list[tuple[Callable[[int], list[Message]], list[Message], Wire]] = [
    (
        simple,
        [startup(1, "options", "-c timezone=UTC"), startup(2, "options", "-c timezone=UTC")],
        Wire("FIFO", "simple query", "BEGIN .. COMMIT", "read committed", "timezone=UTC"),
    ),
    (
        prepared,
        [startup(1, "client_encoding", "'utf-8'"), parse(1, "s1", f"{READ}$1")],
        Wire("LIFO", "extended, prepared once", "autocommit", "read committed", "client_encoding=utf-8"),
    ),
    (
        unnamed,
        [startup(1), startup(2, "options", "-c jit=off -cwork_mem=1GB")],
        Wire("other", "extended, unnamed", "BEGIN .. ROLLBACK", "repeatable read", "defaults, jit=off work_mem=1GB"),
    ),
    (
        anew,
        [startup(1), query(1, "SET default_transaction_isolation TO 'serializable'")],
        Wire("LIFO", "extended, prepared each time", "autocommit", "serializable", "defaults"),
    ),
    (
        prepared,
        [startup(1, "options", r"-c default_transaction_isolation=repeatable\ read"), parse(1, "s1", f"{READ}$1")],
        Wire(
            "LIFO",
            "extended, prepared once",
            "autocommit",
            "repeatable read",
            "default_transaction_isolation=repeatable read",
        ),
    ),
]


@pytest.mark.parametrize(("read", "before", "found"), RECORDED, ids=lambda one: getattr(one, "__name__", ""))
def test_recorded_messages(read: Callable[[int], list[Message]], before: list[Message], found: Wire) -> None:
    """Policy, protocol, transaction, isolation and session of services that each do it another way."""
    calls = [read(number) for number in range(4)]
    others = [startup(7, "options", "-c jit=off"), query(7, "BEGIN ISOLATION LEVEL SERIALIZABLE")]
    history = [*others, *before, *(message for call in calls for message in call)]
    assert wire_facts.wire(calls, history, 2, "read committed") == found


def test_every_level_counts_that_a_transaction_had() -> None:
    """A write at another level than reads shows; what a library asked before the service was up does not."""
    calls = [simple(number) for number in range(4)]
    write = [query(1, sql) for sql in ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "DELETE", "END")]
    early = [query(1, sql, at_ns=2) for sql in ("BEGIN ISOLATION LEVEL READ UNCOMMITTED", "SELECT version()", "END")]
    history = [startup(1), startup(2), *early, *write, *(message for call in calls for message in call)]
    found = wire_facts.wire(calls, history, 2, "read committed", started_ns=3)
    assert found is not None
    assert found.isolation == "read committed, serializable"


def test_a_pool_of_one_has_no_policy_and_silence_no_facts() -> None:
    """One connection cannot be taken in any order; a service that asks nothing is not described."""
    found = wire_facts.wire([prepared(0)] * 3, [startup(1)], 1, "read committed")
    assert found is not None
    assert found.pool_policy is None
    assert wire_facts.wire([[], [query(1, "ROLLBACK")]], [startup(1)], 2, "read committed") is None


@pytest.mark.parametrize(
    ("connections", "policy"),
    [([4, 4, 4, 4], "LIFO"), ([1, 2, 3, 1, 2], "FIFO"), ([1, 2, 3, 4, 5], "other"), ([1, 2, 3, 2, 1], "other")],
)
def test_which_connection_a_pool_hands_out(connections: Sequence[int], policy: str) -> None:
    """Always the same; all in turn; a new one each time, or any."""
    assert wire_facts.policy(connections) == policy


class Watched:
    """A database behind a relay, and what was said to it."""

    def __init__(self, dsn: Dsn, heard: list[Message]) -> None:
        self.dsn, self.heard = dsn, heard

    def facts(self, read: Callable[[], object], times: int) -> Wire | None:
        """Of the last so many reads."""
        calls = []
        for _ in range(times):
            before = len(self.heard)
            read()
            time.sleep(0.01)
            calls.append(list(self.heard[before:]))
        return wire_facts.wire(calls, list(self.heard), 3, "read committed")


@contextmanager
def watched(database: Dsn) -> Iterator[Watched]:
    heard: list[Message] = []
    with Relay(database.host, database.port, listener=heard.append) as relay:
        yield Watched(replace(database, host="127.0.0.1", port=relay.port), heard)


def test_a_pool_and_an_isolation_level_that_nobody_asked_for_are_seen(database: Dsn) -> None:
    """SQLAlchemy on psycopg2 with its pool turned round and serializable transactions."""
    with watched(database) as seen:
        url = make_url(seen.dsn.url).set(drivername="postgresql+psycopg2")
        engine = create_engine(url, pool_size=3, pool_use_lifo=True, isolation_level="SERIALIZABLE")
        held = [engine.connect() for _ in range(3)]
        for one in held:
            one.close()
        seen.heard[:] = [message for message in seen.heard if not message.kind]  # what it asks at first is no read

        def read() -> None:
            with engine.connect() as connection:
                connection.execute(text("SELECT name FROM users WHERE id = :id"), {"id": 1}).one()

        found = seen.facts(read, 5)
        engine.dispose()
    assert found == Wire("LIFO", "simple query", "BEGIN .. ROLLBACK", "serializable", "defaults")


def test_psycopg_prepares_what_it_has_executed_five_times(database: Dsn) -> None:
    """Unnamed at first, prepared once from the seventh use of each connection on; its pool takes them in turn."""
    with watched(database) as seen, ConnectionPool(seen.dsn.url, min_size=3, max_size=3) as pool:
        pool.wait()

        def read() -> None:
            with pool.connection() as connection:
                connection.execute("SELECT name FROM users WHERE id = %s", (1,)).fetchone()

        first = seen.facts(read, 5)
        for _ in range(3 * 6 - 5):
            read()
        warm = seen.facts(read, 5)
    assert first == Wire("FIFO", "extended, unnamed", "BEGIN .. COMMIT", "read committed", "defaults")
    assert warm == replace(first, protocol="extended, prepared once")


def test_a_level_set_by_the_connections_options_is_seen(database: Dsn) -> None:
    """`options=-c default_transaction_isolation=...`, which no BEGIN says."""
    with watched(database) as seen:
        options = "-c default_transaction_isolation=serializable -c jit=off"
        with psycopg.connect(seen.dsn.url, autocommit=True, options=options) as connection:
            found = seen.facts(lambda: connection.execute("SELECT name FROM users WHERE id = 1").fetchone(), 3)
    assert found is not None
    assert (found.isolation, found.session) == ("serializable", "default_transaction_isolation=serializable jit=off")
