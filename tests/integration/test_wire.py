"""The relay: messages whole wherever the network cuts them, round trips counted, a distance kept to microseconds."""

import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest

from db.address.dsn import Dsn
from db.protocol import SSL_REQUEST, Message, Splitter
from db.wire import Relay


@contextmanager
def relayed(database: Dsn, **how: object) -> Iterator[tuple[Relay, Dsn]]:
    """A relay to the test database, and the DSN that leads through it."""
    with Relay(database, **how) as relay:  # type: ignore[arg-type]  # by name
        yield relay, relay.dsn


STARTUP = struct.pack("!ii", 16, 196608) + b"user\0x\0\0"
SAID = [(b"", STARTUP[4:]), (b"Q", b"SELECT 1\0"), (b"X", b"")]
BYTES = STARTUP + b"Q" + struct.pack("!i", 13) + b"SELECT 1\0" + b"X" + struct.pack("!i", 4)


@pytest.mark.parametrize("size", range(1, len(BYTES) + 1))
def test_messages_are_whole_wherever_they_are_cut(size: int) -> None:
    """A client's first message has no kind, all others have one byte."""
    splitter, found = Splitter(from_client=True), []
    for start in range(0, len(BYTES), size):
        found += splitter.feed(BYTES[start : start + size])
    assert found == SAID


def test_a_servers_first_message_has_a_kind() -> None:
    """Authentication request, ready for query."""
    splitter = Splitter(from_client=False)
    assert splitter.feed(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I") == [(b"R", b"\0\0\0\0"), (b"Z", b"I")]
    assert SSL_REQUEST == 80877103


def test_round_trips_are_counted(database: Dsn) -> None:
    """A simple query is one; so are prepare and execute in one go; a script of four statements is one."""
    with relayed(database) as (relay, dsn), psycopg.connect(dsn.url, autocommit=True) as connection:
        before = relay.round_trips
        connection.execute("SELECT 1")
        assert relay.round_trips - before == 1
        before = relay.round_trips
        connection.execute("SELECT 1; SELECT 2; SELECT 3; SELECT 4")
        assert relay.round_trips - before == 1
        before = relay.round_trips
        with connection.transaction():
            connection.execute("SELECT %s::int", (7,))
        assert relay.round_trips - before == 3
        assert relay.connections == 1


def until_ready(heard: Sequence[Message]) -> None:
    """Wait until the relay has told of the server's last word, which the client may have read before."""
    deadline = time.monotonic() + 10
    while not any(message.kind == b"Z" for message in heard):
        assert time.monotonic() < deadline, heard
        time.sleep(0.001)


def test_every_message_is_heard_in_order(database: Dsn) -> None:
    """The query, then its rows, and that the server is ready again."""
    heard: list[Message] = []
    with relayed(database, listener=heard.append) as (_, dsn), psycopg.connect(dsn.url, autocommit=True) as connection:
        until_ready(heard)
        heard.clear()
        assert connection.execute("SELECT 'wire'").fetchone() == ("wire",)
        until_ready(heard)
    kinds = [(message.from_client, message.kind) for message in heard][:5]
    assert kinds == [(True, b"Q"), (False, b"T"), (False, b"D"), (False, b"C"), (False, b"Z")]
    assert heard[0].body == b"SELECT 'wire'\0"
    assert heard[0].at_ns < heard[4].at_ns


def test_a_distance_is_added_to_every_round_trip(database: Dsn) -> None:
    """2 ms there and back more than through the relay alone, within 0.4 ms.

    Of 200 the shortest count: a machine that does other work, too, makes some of them longer and none shorter.
    """
    shortest_ms = {}
    for delay_s in (0.0, 0.001):
        with relayed(database, delay_s=delay_s) as (_, dsn), psycopg.connect(dsn.url, autocommit=True) as connection:
            times_ms = []
            for _ in range(200):
                began = time.perf_counter()
                connection.execute("SELECT 1")
                times_ms.append((time.perf_counter() - began) * 1e3)
        shortest_ms[delay_s] = sorted(times_ms)[2]
    assert shortest_ms[0.001] - shortest_ms[0.0] == pytest.approx(2.0, abs=0.4)


def test_many_connections_and_large_answers_pass(database: Dsn) -> None:
    """Twenty at once, a megabyte each, with a distance; none is mixed up with another."""
    with relayed(database, delay_s=0.0005) as (relay, dsn):
        connections = [psycopg.connect(dsn.url, autocommit=True) for _ in range(20)]
        try:
            for number, connection in enumerate(connections):
                row = connection.execute(f"SELECT repeat('{number % 10}', 1000000)").fetchone()
                assert row == (str(number % 10) * 1_000_000,)
        finally:
            for connection in connections:
                connection.close()
        assert relay.connections == 20


def test_a_server_that_is_not_there_ends_the_connection() -> None:
    """As without the relay: the client gets an error, and soon."""
    with Relay(Dsn("127.0.0.1", 1, "nobody", "", "nothing")) as relay, pytest.raises(psycopg.OperationalError):
        psycopg.connect(relay.dsn.url, connect_timeout=5)
