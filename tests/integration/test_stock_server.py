"""A PostgreSQL as a distribution sets it up: nothing preloaded, reached as a superuser and as an ordinary role."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.measure import database, environment
from bench.measure.database import Database, check_connections
from bench.measure.fleet.fleet import FleetSettings
from bench.measure.gate import counts, gate
from bench.plan import costs
from bench.plan.matrix import default_setup
from bench.plan.placement import Placement
from db import rights, server
from db.address.dsn import Dsn
from db.data import dataset, loader
from db.private import embedded

SCALE = 0.001
# What a freshly installed server does not have.
OURS = {"shared_preload_libraries", "pg_stat_statements.track", "compute_query_id", "wal_level", "max_wal_senders"}
STOCK = {name: value for name, value in embedded.SETTINGS.items() if name not in OURS}
ROLES = ("boss", "clerk")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Dsn]:
    """Its superuser `boss` and its ordinary role `clerk` own a database of their name each."""
    stage()
    cluster = embedded.locate(tmp_path_factory.mktemp("stock"))
    try:
        private = embedded.start(cluster, detached=False, settings=STOCK).dsn
        with server.connect(private) as conn:
            for role, kind in zip(ROLES, ("SUPERUSER", "NOSUPERUSER"), strict=True):
                conn.execute(f"CREATE ROLE {role} LOGIN {kind} PASSWORD '{private.password}'".encode())
                conn.execute(f"CREATE DATABASE {role} OWNER {role}".encode())
        yield private
    finally:
        embedded.destroy(cluster)


def of(role: str, stock: Dsn) -> Dsn:
    return replace(stock, user=role, dbname=role)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_statements_are_not_counted_and_nothing_stays_behind(role: str, stock: Dsn) -> None:
    """The extension can be created without being preloaded, and then cannot be read."""
    with counts.tracked(of(role, stock)) as statements:
        assert statements is None
    with server.connect(of(role, stock)) as conn:
        assert conn.execute("SELECT extname FROM pg_extension").fetchall() == [("plpgsql",)]
        assert conn.execute("SELECT count(*) FROM pg_db_role_setting").fetchone() == (0,)


def test_an_extension_that_was_made_for_counting_is_dropped_again(database: Dsn) -> None:
    """And one that was there stays."""
    for made_before in (True, False):
        with server.connect(database) as conn:
            conn.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
            if made_before:
                conn.execute("CREATE EXTENSION pg_stat_statements")
        with counts.tracked(database) as statements:
            assert statements is not None
            assert statements() >= 0
        with server.connect(database) as conn:
            found = conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'").fetchone()
            assert (found is not None) == made_before
            conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_service_is_verified_there(role: str, stock: Dsn, tmp_path: Path) -> None:
    """With its round trips counted, its statements not, and what the role may not see left out of the record."""
    here = Database(of(role, stock), private=False, rights=rights.of(of(role, stock)))
    loaded = loader.load(here.dsn, SCALE)
    check_connections(here, 10)
    recorded = environment.record(here, loaded, Placement())
    assert recorded["database"]["settings"]["fsync"] == "on"
    noted = " / ".join(note.text for note in database.notes(here))
    assert ("these PostgreSQL settings are unknown: shared_preload_libraries: " in noted) == (role == "clerk"), noted
    assert len(recorded["database"]["rights"]) == (0 if role == "boss" else 3)
    setup = replace(default_setup("asyncpg_async"), pool_size=2, external_delay_s=0.0)
    passed = gate.check(FleetSettings(here.dsn.url, dataset.size(SCALE).users, ()), here, [setup], tmp_path)
    assert passed.costs[setup]["read_user"] == costs.Cost(2, None, 2)
    assert passed.unchecked.startswith("statements: the server does not preload pg_stat_statements: ")
    assert ("the role may not create it" in passed.unchecked) == (role == "clerk")
    assert ("GRANT SET ON PARAMETER pg_stat_statements.track TO clerk" in passed.unchecked) == (role == "clerk")
