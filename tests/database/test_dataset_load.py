import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import psutil
import psycopg
import pytest
from psycopg import sql

from bench.measure import database
from bench.measure.database import Database
from bench.plan.placement import available_cpus
from db import server
from db.address.dsn import Dsn
from db.data import building, checksum, dataset, loader, marker
from db.data.restore import restore
from db.private import embedded
from suite import catalogue
from suite.errors import DatabaseError

SCALE = 0.001
SIZE = dataset.size(SCALE)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    cluster = embedded.locate(tmp_path_factory.mktemp("checkout"))
    try:
        yield embedded.start(cluster, detached=False).dsn
    finally:
        embedded.destroy(cluster)


@pytest.fixture
def empty(private: Dsn) -> Iterator[Dsn]:
    """A database of its own for a test."""
    with server.connect(private) as conn:
        conn.execute("DROP DATABASE IF EXISTS scratch (FORCE)")
        conn.execute("CREATE DATABASE scratch")
        yield replace(private, dbname="scratch")
        conn.execute("DROP DATABASE scratch (FORCE)")


@pytest.fixture
def loaded(private: Dsn) -> Dsn:
    """A database with the dataset of SCALE, whatever the test before did to it."""
    loader.load(private, SCALE)
    restore(private)
    return private


def run(dsn: Dsn, *statements: str) -> None:
    with server.connect(dsn) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def placed(process: psutil.Process) -> set[tuple[int, ...]]:
    """The CPUs of a process, and of each of its children that is still there."""
    found = set()
    for one in (process, *process.children()):
        with suppress(psutil.NoSuchProcess):
            found.add(tuple(one.cpu_affinity()))
    return found


def marker_exists(dsn: Dsn) -> bool:
    with server.connect(dsn) as conn:
        return marker.exists(conn, "bench_dataset")


def rows(dsn: Dsn, query: str) -> list[tuple[object, ...]]:
    with server.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()


@pytest.mark.parametrize("scale", [0.001, 0.01])
def test_contents_are_those_on_record(empty: Dsn, scale: float) -> None:
    """Row counts and checksum are what every machine must get."""
    found = loader.load(empty, scale)
    size = dataset.size(scale)
    assert (found.version, found.scale, found.size) == (dataset.VERSION, scale, size)
    assert found.checksum == checksum.known(size) == checksum.current(empty)
    assert loader.inspect(empty) == loader.check(empty, scale, contents=True) == found


def test_another_scale_stores_the_checksum_it_computed(empty: Dsn) -> None:
    """Only some scales are on record; the others are held to what they were when they were loaded."""
    found = loader.load(empty, 0.0015)
    assert checksum.known(found.size) is None
    assert loader.check(empty, 0.0015, contents=True).checksum == checksum.current(empty)


def test_users_and_notes_are_those_that_python_computes(empty: Dsn) -> None:
    """Load scripts and checks know every one of them without asking the database."""
    loader.load(empty, 0.01)
    with server.connect(empty) as conn:
        held = conn.execute("SELECT id, name, email, created_at FROM users ORDER BY id").fetchall()
        notes = conn.execute("SELECT id, data FROM notes ORDER BY id").fetchall()
    assert held == [dataset.user(user_id) for user_id in range(1, 10_001)]
    assert notes == [(note_id, dataset.note(note_id)) for note_id in range(1, 1_001)]


def test_the_tables_are_as_the_design_says(loaded: Dsn) -> None:
    """Items belong to the first fifth of the orders, quantities are 1 to 5, prices are copied from the products."""
    query = """
        SELECT min(order_id) >= 1 AND max(order_id) <= 1000, array_agg(DISTINCT quantity ORDER BY quantity),
               bool_and(order_items.price = products.price AND products.price BETWEEN 1 AND 1000)
        FROM order_items JOIN products ON products.id = product_id
    """
    assert rows(loaded, query) == [(True, [1, 2, 3, 4, 5], True)]
    assert rows(loaded, "SELECT count(DISTINCT user_id) > 900 FROM orders") == [(True,)]
    assert rows(loaded, "SELECT array_agg(DISTINCT relpersistence) FROM pg_class WHERE relname = 'users'") == [(["p"],)]


@pytest.mark.parametrize("scale", [0.001, 0.0037])
def test_user_1_cannot_be_deleted_at_any_scale(empty: Dsn, scale: float) -> None:
    """It has an order, so deleting it must conflict."""
    loader.load(empty, scale)
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
        run(empty, "DELETE FROM users WHERE id = 1")
    assert caught.value.diag.constraint_name == "orders_user_id_fkey"


def test_a_taken_email_names_its_constraint(loaded: Dsn) -> None:
    """Services tell this conflict by the constraint's name."""
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        run(loaded, "INSERT INTO users (name, email) VALUES ('Ada', 'user1@example.com')")
    assert caught.value.diag.constraint_name == "users_email_key"


def test_loading_again_does_nothing(loaded: Dsn) -> None:
    """The marker's time stays, and no step is reported."""
    steps: list[str] = []
    before = loader.inspect(loaded)
    assert loader.load(loaded, SCALE, lambda step, _: steps.append(step)) == before
    assert steps == []


def test_progress_tells_each_step_and_rises(empty: Dsn) -> None:
    """Fractions from 0 to below 1, each with what is being done."""
    told: list[tuple[str, float]] = []
    loader.load(empty, SCALE, lambda step, fraction: told.append((step, fraction)))
    fractions = [fraction for _, fraction in told]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    assert any("filling order_items" in step for step, _ in told)


def test_another_scale_replaces_the_dataset(loaded: Dsn) -> None:
    """Check names both, load replaces ours."""
    with pytest.raises(DatabaseError, match="table users: expected 2000 rows, found the dataset of 1000"):
        loader.check(loaded, 0.002)
    assert loader.load(loaded, 0.002).size == dataset.size(0.002)


def test_another_version_is_replaced(loaded: Dsn) -> None:
    """A dataset loaded by another release is not measured by accident."""
    run(loaded, "UPDATE bench_dataset SET version = 999")
    with pytest.raises(DatabaseError, match="expected version 1, found 999"):
        loader.check(loaded, SCALE)
    assert loader.load(loaded, SCALE).version == dataset.VERSION


@pytest.mark.parametrize("table", [*dataset.TABLES, "bench_dataset"])
def test_a_strangers_tables_are_never_dropped(empty: Dsn, table: str) -> None:
    """The message names database, table and remedy; not a row is touched."""
    run(empty, f"CREATE TABLE {table} (mine text)", f"INSERT INTO {table} VALUES ('precious')")  # noqa: S608
    with pytest.raises(DatabaseError, match=rf"'scratch' .*table 'public\.{table}'.*another .*database, or drop"):
        loader.load(empty, SCALE)
    assert rows(empty, f"SELECT mine FROM {table}") == [("precious",)]  # noqa: S608
    assert loader.inspect(empty) is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DELETE FROM bench_dataset", "found no complete dataset"),
        ("DELETE FROM notes WHERE id <= 10", "table notes: expected 100 rows, found 90"),
        ("DELETE FROM order_items WHERE id = 7", "table order_items: expected 10000 rows, found 9999"),
        ("DROP TABLE order_items", "table order_items: expected 10000 rows, found no such table"),
        ("DROP INDEX orders_user_id_idx", "orders_user_id_idx is missing"),
        ("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey", "orders_user_id_fkey is missing"),
        ("UPDATE bench_dataset SET checksum = 'other'", "expected checksum 1e999.*found other"),
    ],
)
def test_a_damaged_dataset_is_named_and_mended(loaded: Dsn, damage: str, message: str) -> None:
    """Check says what differs and how to mend it; load mends it."""
    run(loaded, damage)
    with pytest.raises(DatabaseError, match=f"{message}.*bench db load --scale 0.001"):
        loader.check(loaded, SCALE)
    loader.load(loaded, SCALE)
    loader.check(loaded, SCALE, contents=True)


def test_changed_contents_show_in_the_checksum(loaded: Dsn) -> None:
    """Counting rows does not see it; reading them does."""
    run(loaded, "UPDATE products SET price = price + 0.01 WHERE id = 5")
    loader.check(loaded, SCALE)
    with pytest.raises(DatabaseError, match=r"expected checksum 1e999.*found"):
        loader.check(loaded, SCALE, contents=True)
    run(loaded, "DELETE FROM bench_dataset")


def test_a_database_without_a_dataset_is_said_to_have_none(empty: Dsn) -> None:
    """Each question answers with the remedy, never with a traceback of PostgreSQL's."""
    assert loader.inspect(empty) is None
    with pytest.raises(DatabaseError, match=r"expected scale 0\.001, found no complete dataset"):
        loader.check(empty, SCALE)
    for ask in (restore, checksum.current):
        with pytest.raises(DatabaseError, match=r"'scratch' .* holds no dataset: run `bench db load`"):
            ask(empty)


def test_restore_undoes_what_cells_do(loaded: Dsn) -> None:
    """Users created, with orders; users updated and deleted; notes written back: all as before, and no dead rows."""
    before = checksum.current(loaded)
    run(
        loaded,
        "INSERT INTO users (name, email) SELECT 'New', 'new' || i || '@example.com' FROM generate_series(1, 500) AS i",
        "UPDATE users SET name = 'Changed' WHERE id > 1000",
        "DELETE FROM users WHERE id BETWEEN 1100 AND 1200",
        "INSERT INTO orders (user_id) SELECT id FROM users WHERE id > 1300",
        "INSERT INTO order_items SELECT 20000 + id, id, 1, 1, 1 FROM orders WHERE id > 5000",
        "UPDATE notes SET data = data",
        "UPDATE notes SET data = 'synchronized' WHERE id % 3 = 0",
    )
    restore(loaded)
    assert checksum.current(loaded) == before
    counted = rows(loaded, "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM orders)")
    assert counted == [(SIZE.users, SIZE.orders)]
    with server.connect(loaded) as conn:
        row = conn.execute("INSERT INTO users (name, email) VALUES ('Next', 'next') RETURNING id").fetchone()
        assert row == (SIZE.users + 1,)
        conn.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        dead = "SELECT sum(dead_tuple_count)::int FROM unnest(%s::text[]) AS name, pgstattuple(name)"
        restore(loaded)
        assert conn.execute(dead, [list(dataset.TABLES)]).fetchone() == (0,)


def test_restore_refuses_what_it_cannot_undo(loaded: Dsn) -> None:
    """An order of the dataset moved to a created user: deleting either would lose data, so the remedy is a load."""
    run(
        loaded,
        "INSERT INTO users (name, email) VALUES ('New', 'new@example.com')",
        "UPDATE orders SET user_id = 1001 WHERE id = 1",
    )
    with pytest.raises(DatabaseError, match=r"restoring the dataset .*orders_user_id_fkey.*bench db load"):
        restore(loaded)
    run(loaded, "DELETE FROM bench_dataset")


def test_restore_does_not_wait_for_ever(loaded: Dsn) -> None:
    """A session left in its transaction by a cell is reported, not waited for."""
    run(loaded, "INSERT INTO users (name, email) VALUES ('Kept', 'kept')")
    with server.connect(loaded, autocommit=False) as conn:
        conn.execute("UPDATE users SET name = 'Held' WHERE email = 'kept'")
        with pytest.raises(DatabaseError, match=r"lock timeout; stop what still uses its tables"):
            restore(loaded, lock_timeout_s=0.1)
        conn.rollback()
    restore(loaded)


def test_two_loads_at_once_take_turns(empty: Dsn) -> None:
    """One loads, the other finds it done."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: loader.load(empty, SCALE), range(2))
    assert first == second


def test_rows_are_frozen_as_they_are_written(empty: Dsn) -> None:
    """No VACUUM has them to do again, indexes alone answer, and the planner knows how many there are."""
    loader.load(empty, SCALE)
    run(empty, "CREATE EXTENSION pg_visibility")
    for table, count in SIZE.items():
        query = f"""
            SELECT reltuples::bigint, relpages = pg_relation_size(oid) / 8192,
                   (SELECT bool_and(all_visible AND all_frozen AND pd_all_visible) FROM pg_visibility(oid))
            FROM pg_class WHERE relname = '{table}'
        """  # noqa: S608  # the name is ours
        assert rows(empty, query) == [(count, True, True)], table


def test_a_killed_load_leaves_nothing_that_counts_as_whole(empty: Dsn) -> None:
    """Killed while sessions fill side by side; what they were doing ends before the next load, which begins afresh."""
    command = f"from db.address import dsn; from db.data import loader; loader.load(dsn.parse({empty.url!r}), 0.1)"
    killed = subprocess.Popen([sys.executable, "-c", command], cwd=catalogue.CHECKOUT)
    try:
        filling = "SELECT count(*) >= 2 FROM pg_stat_activity WHERE datname = 'scratch' AND query LIKE 'COPY%'"
        deadline = time.monotonic() + 20
        while rows(empty, filling) != [(True,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        killed.kill()
        killed.wait()
    assert loader.inspect(empty) is None
    with pytest.raises(DatabaseError, match="found no complete dataset"):
        loader.check(empty, 0.1)
    assert loader.load(empty, SCALE).checksum == checksum.known(SIZE)


def test_a_load_waits_for_the_sessions_of_a_killed_one(empty: Dsn) -> None:
    """Their last statement may still run; dropping its table under it would wait for a lock, and then fail."""
    with server.connect(empty) as left, ThreadPoolExecutor(1) as pool:
        left.execute("SELECT pg_advisory_lock_shared(%s)", [building.FILLING_LOCK])
        told: list[str] = []
        loading = pool.submit(loader.load, empty, SCALE, lambda step, _: told.append(step))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        deadline = time.monotonic() + 20
        while rows(empty, waiting) != [(1,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not marker_exists(empty)
        assert told == ["waiting for another load into this database to end"]
        left.close()
        assert loading.result().checksum == checksum.known(SIZE)


def test_a_failure_in_one_session_ends_them_all(empty: Dsn) -> None:
    """The message is that of the first failure, and no session is left behind."""

    def cancel_one(step: str, _: float) -> None:
        if "filling orders" in step:
            run(empty, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY \"orders\"%'")

    with pytest.raises(DatabaseError, match=r"loading the dataset at .* canceling statement .*bench db load"):
        loader.load(empty, 0.02, cancel_one)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'scratch' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 5
    while rows(empty, others) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert loader.inspect(empty) is None


@pytest.mark.skipif(len(available_cpus()) < 2, reason="with one CPU, or on macOS, nothing is placed")
def test_a_private_server_loads_on_all_cpus(empty: Dsn) -> None:
    """Before and after, it keeps to those that it was placed on."""
    with server.connect(empty) as conn:
        postmaster = psutil.Process(psutil.Process(conn.info.backend_pid).ppid())
        cpus, seen = list(available_cpus()), set[tuple[int, ...]]()
        postmaster.cpu_affinity(cpus[:1])
        try:
            database.loaded(
                Database(empty, private=True, pid=postmaster.pid),
                SCALE,
                lambda *_: seen.update(placed(postmaster)),
            )
            assert seen == {tuple(cpus)}
            assert placed(postmaster) == {(cpus[0],)}
        finally:
            postmaster.cpu_affinity(cpus)


def test_an_ordinary_role_can_load_and_restore(empty: Dsn) -> None:
    """On a managed server nobody is superuser: CHECKPOINT is left out."""
    run(empty, "DROP ROLE IF EXISTS limited", "CREATE ROLE limited LOGIN PASSWORD 'limited'")
    run(empty, "ALTER DATABASE scratch OWNER TO limited")
    limited = replace(empty, user="limited", password="limited")
    try:
        loader.load(limited, SCALE)
        restore(limited)
        loader.check(limited, SCALE, contents=True)
    finally:
        run(empty, "DROP OWNED BY limited CASCADE", "ALTER DATABASE scratch OWNER TO bench", "DROP ROLE limited")


def test_a_role_without_rights_is_told_so(empty: Dsn) -> None:
    """PostgreSQL's reason and the remedy, on one line."""
    run(empty, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    with pytest.raises(DatabaseError, match=r"loading the dataset at .* failed: permission denied .*bench db load"):
        loader.load(replace(empty, user="guest", password="guest"), SCALE)
    run(empty, "DROP ROLE guest")


def test_the_checksum_does_not_depend_on_the_servers_settings(empty: Dsn) -> None:
    """Time zone and formats of dates and numbers are the database's own choice."""
    run(
        empty,
        "ALTER DATABASE scratch SET TimeZone = 'Asia/Tokyo'",
        "ALTER DATABASE scratch SET DateStyle = 'German'",
        "ALTER DATABASE scratch SET extra_float_digits = -5",
    )
    assert loader.load(empty, SCALE).checksum == checksum.known(SIZE)


def test_identifiers_need_no_luck_with_the_search_path(empty: Dsn) -> None:
    """Another schema first on the path: tables are made, found and checked there."""
    run(empty, "CREATE SCHEMA other", "ALTER DATABASE scratch SET search_path = other, public")
    loader.load(empty, SCALE)
    loader.check(empty, SCALE)
    restore(empty)
    query = sql.SQL("SELECT schemaname FROM pg_tables WHERE tablename = 'users'")
    assert rows(empty, query.as_string()) == [("other",)]
