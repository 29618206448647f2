"""A pooler is recognised, and what the suite does with the dataset works through one in transaction mode."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from db import pooler, server
from db.address.dsn import Dsn
from db.data import loader, proof
from db.data.restore import restore
from db.pooler import PGBOUNCER, RDS_PROXY, SUPAVISOR, UNKNOWN, Pooler
from tests.pgbouncer import pooled

SCALE = 0.001


@pytest.fixture
def empty(database: Dsn) -> Iterator[Dsn]:
    """A database without tables."""
    with server.connect(database) as conn:
        conn.execute("CREATE DATABASE pooled TEMPLATE template0")
        yield replace(database, dbname="pooled")
        conn.execute("DROP DATABASE pooled WITH (FORCE)")


def test_a_server_without_a_pooler_is_none(database: Dsn) -> None:
    """Its clients have the keys of its processes."""
    assert pooler.find(database) is None


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
def test_pgbouncer_is_named_with_its_mode(database: Dsn, mode: str, size: int) -> None:
    """Whatever the size of its pool. A pool of one session lets the second client wait: it is not for ever."""
    with pooled(database, mode, size) as address:
        assert pooler.find(address) == Pooler(PGBOUNCER, shares=mode != "session")


def test_connections_in_turn_are_shared_ones(database: Dsn) -> None:
    """Two clients do not get the same one at once where each gets the one that has been free longest."""
    with pooled(database, "transaction", 20, server_round_robin="1", min_pool_size="20") as address:
        assert pooler.find(address) == Pooler(PGBOUNCER, shares=True)


def test_a_pooler_that_does_not_tell_its_name_is_one(database: Dsn) -> None:
    """PgBouncer answers as PostgreSQL does where its administrator lets it ignore unknown settings."""
    with pooled(database, ignore_startup_parameters="options") as address:
        found = pooler.find(address)
    assert found == Pooler(UNKNOWN, shares=True)
    assert str(found) == "a pooler in transaction mode"


@pytest.mark.parametrize(
    ("host", "user", "name"),
    [
        ("aws-0-eu-central-1.pooler.supabase.com", "postgres.abc", SUPAVISOR),
        ("10.0.0.7", "bench.abc", SUPAVISOR),
        ("mine.proxy-abcdef.eu-central-1.rds.amazonaws.com", "bench", RDS_PROXY),
    ],
)
def test_some_are_known_by_their_addresses(host: str, user: str, name: str) -> None:
    """Nothing has to be asked then."""
    assert pooler._name(Dsn(host, 6543, user, "", "bench"), "bench") == name


def test_the_dataset_is_loaded_checked_and_restored_through_it(empty: Dsn) -> None:
    """No session keeps a setting or a lock of the suite: the next client would have it."""
    with pooled(empty) as address:
        loader.load(address, SCALE)
        loader.check(empty, SCALE, contents=True)
        with proof.planted(address):
            pass
        with server.connect(address) as conn:
            conn.execute("INSERT INTO users (name, email) VALUES ('New', 'new@example.com')")
        restore(address)
        loader.check(address, SCALE, contents=True)
        with server.connect(empty) as conn:
            locks = conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchall()
        clients = [server.connect(address) for _ in range(3)]
        for one in clients:
            one.autocommit = False  # each keeps a session now
        left = [one.execute("SELECT name FROM pg_settings WHERE source = 'session'").fetchall() for one in clients]
        for one in clients:
            one.close()
    assert locks == [(0,)]
    assert {name for found in left for (name,) in found} <= {"client_encoding", "application_name"}
