"""What recorded messages say of a service: its pool, its protocol, its transactions and its sessions."""

from collections.abc import Callable, Sequence

import pytest

from bench.analysis.conversation import wire_facts
from bench.analysis.conversation.wire_facts import Wire
from db.protocol import Message

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
    """Parsed each time, the transaction in the same protocol, on connections in no order."""
    connection = (1, 2, 2, 1)[number]
    return [
        message
        for sql in ("BEGIN ISOLATION LEVEL REPEATABLE READ", f"{READ}$1", "ROLLBACK")
        for message in (parse(connection, "", sql), bind(connection, ""))
    ]


def prepared_each_time(_: int) -> list[Message]:
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
        prepared_each_time,
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


def test_statements_are_told_apart_by_how_they_are_sent() -> None:
    """A name that was prepared before the messages is known by its text; one that is not known is a question mark."""
    said = [query(1, "BEGIN"), bind(1, "s1"), parse(1, "s2", "SELECT 2"), bind(1, "s2"), bind(2, "s2")]
    assert [(one.connection, one.text, one.how) for one in wire_facts.statements(said, {(1, b"s1"): "SELECT 1"})] == [
        (1, "BEGIN", "simple query"),
        (1, "SELECT 1", "extended, prepared once"),
        (1, "SELECT 2", "extended, prepared each time"),
        (2, "?", "extended, prepared once"),
    ]


def test_each_transaction_has_the_level_of_its_session_from_then_on() -> None:
    """A statement outside BEGIN is a transaction, one inside is none; what resets a connection is none either."""
    said = [
        query(1, "SELECT 1"),
        query(1, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
        *(query(1, sql) for sql in ("BEGIN", "SELECT 1", "COMMIT")),
        *(query(1, sql) for sql in ("BEGIN ISOLATION LEVEL READ UNCOMMITTED", "SELECT 1", "ROLLBACK", RESET)),
        query(2, "SELECT 1"),
    ]
    assert list(wire_facts.isolations(said, "repeatable read")) == [
        "repeatable read",
        "serializable",
        "read uncommitted",
        "repeatable read",
    ]
