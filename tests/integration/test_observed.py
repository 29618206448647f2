"""What messages on the wire say of real libraries in unusual set-ups."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, make_url, text

from bench.analysis.conversation import wire_facts
from bench.analysis.conversation.wire_facts import Wire
from db.address.dsn import Dsn
from db.protocol import Message
from db.wire import Relay


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
    with Relay(database, listener=heard.append) as relay:
        yield Watched(replace(relay.dsn, parameters=()), heard)


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
