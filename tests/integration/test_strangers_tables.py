"""A database that already has tables of our names, made by somebody else: they stay as they are."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from bench.measure import database
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import gate, proof
from bench.plan.matrix import default_setup
from db import server
from db.address import dsn
from db.address.dsn import Dsn
from db.data import content, dataset, loader, marker, restore
from db.data.proof import planted as rows_planted
from db.private import embedded
from suite import catalogue
from suite.errors import DatabaseError, VerificationError
from tests.integration.checkout import copied

SCALE = 0.001
STRANGERS = """
INSERT INTO users SELECT n, 'Stranger ' || n, n || '@example.net', now() FROM generate_series(1, 2000) AS n;
INSERT INTO products SELECT n, 'Thing ' || n, n FROM generate_series(1, 2000) AS n;
INSERT INTO orders SELECT n, n, now() FROM generate_series(1, 2000) AS n;
INSERT INTO order_items SELECT n, n, n, 1, n FROM generate_series(1, 2000) AS n;
INSERT INTO notes SELECT n, 'Private ' || n FROM generate_series(1, 2000) AS n;
"""
SETUPS = [replace(default_setup(one.name), pool_size=2) for one in catalogue.services().values() if one.needs_database]
APP = "options=-csearch_path%3Dapp"


@dataclass(frozen=True)
class Shop:
    """In database `shop`, schema public has the stranger's tables and app is empty; so is the database `other`."""

    dsn: Dsn
    socket: Path
    home: Path

    def url(self, path: str = "/shop", host: str | None = None, user: str | None = None) -> str:
        """A URL of the server, written as a user would write it."""
        name, password = user or self.dsn.user, quote(self.dsn.password, safe="")
        return f"postgresql://{name}:{password}@{f'{self.dsn.host}:{self.dsn.port}' if host is None else host}{path}"

    def checksum(self) -> dict[str, object]:
        """Of every row of the stranger's tables, with where it is stored: an update and its undoing show, too."""
        rows = "SELECT count(*), md5(string_agg(ctid || xmin::text || t::text, ',' ORDER BY id)) FROM public.{} AS t"
        last = "SELECT last_value FROM public.{}_id_seq"
        with server.connect(self.dsn) as conn:
            return {
                table: [conn.execute(query.format(table).encode()).fetchall() for query in (rows, last)]
                for table in dataset.TABLES
            }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Shop]:
    """A server of its own, reached by TCP and by a socket."""
    stage()
    cluster = embedded.locate(tmp_path_factory.mktemp("shop"))
    # A private server has no socket; this one stands for a user's own.
    options, socket = embedded._options, cluster.data

    def with_socket(port: int, settings: dict[str, str]) -> list[str]:
        return [*options(port, settings), "-c", f"unix_socket_directories={socket}"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_options", with_socket)
        try:
            private = embedded.start(cluster, detached=False).dsn
            with server.connect(private) as conn:
                conn.execute("CREATE DATABASE shop")
                conn.execute("CREATE DATABASE other")
                conn.execute("CREATE ROLE clerk LOGIN SUPERUSER")
                conn.execute(f"ALTER ROLE clerk PASSWORD '{private.password}'".encode())
                conn.execute("ALTER ROLE clerk SET search_path = app")
            made = replace(private, dbname="shop")
            with server.connect(made) as conn:
                conn.execute(content.schema().tables.encode())
                conn.execute(STRANGERS.encode())
                conn.execute("CREATE SCHEMA app")
            yield Shop(made, socket, tmp_path_factory.mktemp("home"))
        finally:
            embedded.destroy(cluster)


WAYS: dict[str, Callable[[Shop], tuple[str, dict[str, str]]]] = {
    "options": lambda shop: (shop.url(f"/shop?{APP}"), {}),
    "PGOPTIONS": lambda shop: (shop.url(), {"PGOPTIONS": "-c search_path=app"}),
    "the user's search_path": lambda shop: (shop.url(user="clerk"), {}),
    "dbname": lambda shop: (shop.url("/shop?dbname=other"), {}),
    "a service in the URL": lambda _: ("postgresql:///?service=ours", {}),
    "a service in the environment": lambda _: ("", {"PGSERVICE": "ours"}),
    "a socket": lambda shop: (f"{shop.url('/shop', '')}?host={shop.socket}&port={shop.dsn.port}&{APP}", {}),
}


def service_file(shop: Shop) -> Path:
    path = shop.home / "pg_service.conf"
    one = shop.dsn
    path.write_text(
        f"[ours]\nhost={one.host}\nport={one.port}\nuser={one.user}\npassword={one.password}\ndbname=shop\n"
        "options=-c search_path=app\n"
    )
    return path


def emptied(shop: Shop) -> None:
    """What an earlier way had loaded is gone."""
    for name, schema in (("shop", "app"), ("other", "public")):
        with server.connect(replace(shop.dsn, dbname=name)) as conn:
            conn.execute(f"DROP SCHEMA {schema} CASCADE".encode())
            conn.execute(f"CREATE SCHEMA {schema}".encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    # CI has no time for more than one of them.
    [way if way == "options" else pytest.param(way, marks=pytest.mark.release) for way in WAYS],
)
def test_every_service_goes_where_the_harness_goes(
    way: str, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are verified on the dataset that was loaded, and the stranger's rows are as they were."""
    emptied(shop)
    url, environ = WAYS[way](shop)
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    for name, value in (environ | {"PGSERVICEFILE": str(service_file(shop))}).items():
        monkeypatch.setenv(name, value)
    before = shop.checksum()
    with database.opened(url or None) as found:
        loader.load(found.dsn, SCALE)
        setups = [default_setup(one.name) for one in catalogue.services().values() if one.needs_database]
        around = FleetSettings(found.dsn.url, dataset.size(SCALE).users, ())
        passed = gate.check(around, found, setups, tmp_path)
    assert {setup.service for setup in passed.health} == {setup.service for setup in setups}
    assert shop.checksum() == before


@pytest.mark.slow
def test_a_service_that_goes_elsewhere_is_refused_by_name(shop: Shop, tmp_path: Path) -> None:
    """Each of them, before anything was written: here they all work on the stranger's tables."""
    emptied(shop)
    ours = dsn.parse(shop.url(f"/shop?{APP}"))
    loader.load(ours, SCALE)
    before = shop.checksum()
    setups = SETUPS
    with Fleet(FleetSettings(shop.dsn.url, dataset.size(SCALE).users, ())) as fleet:
        fleet.start({setup: tmp_path / f"{setup.service}.log" for setup in setups})
        with pytest.raises(VerificationError) as caught:
            proof.check_services(ours, setups)
    for setup in setups:
        assert f"{setup.service} does not use the benchmark's table users" in str(caught.value)
        assert f"{setup.service} does not use the benchmark's table notes" in str(caught.value)
    assert shop.dsn.password not in str(caught.value)
    assert shop.checksum() == before
    restore.restore(ours)
    loader.check(ours, SCALE, contents=True)


@pytest.mark.slow
def test_a_service_that_drops_the_options_is_refused(shop: Shop, tmp_path: Path) -> None:
    """As psycopg2's did, which passed `options` of its own in place of the URL's."""
    emptied(shop)
    before = shop.checksum()
    for one in copied(tmp_path / "checkout"):
        pool = one.folder / "services" / "psycopg2_sync" / "database.py"
        text = pool.read_text()
        assert text.count("options=settings.options") == 1
        pool.write_text(text.replace("options=settings.options", 'options="-c timezone=UTC"'))
        words = ("verify", "--services", "asyncpg_async,psycopg2_sync", "--scale", str(SCALE))
        code, printed = one.bench(*words, "--database-url", shop.url(f"/shop?{APP}"))
        assert code == 3, printed
        assert "psycopg2_sync does not use the benchmark's table users" in printed
        assert "asyncpg_async does not" not in printed
    assert shop.checksum() == before


def test_a_path_that_leads_to_both_is_refused(shop: Shop) -> None:
    """Our dataset is in app, and on this path `notes` leads to the stranger's: whatever would write refuses."""
    emptied(shop)
    ours, both = dsn.parse(shop.url(f"/shop?{APP}")), dsn.parse(shop.url(f"/shop?{APP}%2Cpublic"))
    loader.load(ours, SCALE)
    with server.connect(ours) as conn:
        conn.execute("DROP TABLE notes")
    before = shop.checksum()
    for act in (lambda: loader.load(both, SCALE), lambda: restore.restore(both), lambda: planted(both)):
        with pytest.raises(DatabaseError, match=r"'public\.notes' that this suite did not make"):
            act()
    assert shop.checksum() == before


def planted(where: Dsn) -> None:
    with rows_planted(where):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["", "DELETE FROM app.users WHERE id = 7; ALTER TABLE app.notes RENAME TO n2"])
def test_a_dataset_of_before_tables_had_marks_is_adopted_when_it_is_whole(shop: Shop, damage: str) -> None:
    """It was loaded by an earlier version: its marker alone is commented. One that is not whole is refused."""
    emptied(shop)
    ours = dsn.parse(shop.url(f"/shop?{APP}"))
    loader.load(ours, SCALE)
    with server.connect(ours) as conn:
        for table in dataset.TABLES:
            conn.execute(f"COMMENT ON TABLE {table} IS NULL".encode())
        if damage:
            conn.execute("SET session_replication_role = replica")
            conn.execute(damage.encode())
    if damage:
        with pytest.raises(DatabaseError, match=r"'app\.users' that this suite did not make"):
            loader.load(ours, SCALE)
    else:
        found = loader.load(ours, SCALE)
        with server.connect(ours) as conn:
            assert marker.read(conn) == found
            assert marker.strangers(conn) == []


@pytest.mark.slow
def test_a_database_whose_tables_are_a_strangers_is_refused(shop: Shop) -> None:
    """Before anything is started, and with the schema in the message."""
    before = shop.checksum()
    with pytest.raises(DatabaseError, match=r"'public\.users' that this suite did not make"):
        loader.load(shop.dsn, SCALE)
    assert shop.checksum() == before
    assert Database(shop.dsn, private=False)
