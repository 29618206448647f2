"""Loads the dataset, reads which one a database has, and checks it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from db import server
from db.address.dsn import Dsn
from db.data import building, checksum, content, dataset, marker, restore
from db.data.marker import Dataset
from db.data.steps import Progress
from suite.errors import DatabaseError

_LOCK = 7_164_025_718  # an arbitrary number: two loads into one database take turns
_BUILT = 0.97  # the fraction done when only a checkpoint is left


def load(dsn: Dsn, scale: float, progress: Progress | None = None) -> Dataset:
    """Load the dataset of this scale into the database, unless it is already there.

    An incomplete dataset of this suite, or one of another scale or version, is dropped and loaded again. The very last
    statement marks the dataset as complete: a load that is killed before leaves no complete dataset.

    Raises:
        DatabaseError: a table of that name is not ours, the server refuses, or the contents are wrong.
    """
    size = dataset.size(scale)
    remedy = "correct what it names (space, rights, a session that holds a lock) and run `bench db load` again"
    progress = progress or _silent
    with (
        server.explained(dsn, "loading the dataset", remedy),
        server.connect(dsn) as guard,
        _locked(guard, _LOCK, progress),
        server.connect(dsn) as conn,
    ):
        with _locked(conn, building.FILLING_LOCK, progress):
            pass  # no transaction of a killed load is left; those of this one share the lock
        with _transaction(conn):
            marker.adopt(conn)
            marker.refuse_strangers(conn, dsn)
            found = marker.read(conn)
            complete = found is not None and not _differences(conn, found, size)
        if not complete:
            made = _build(conn, dsn, size, progress)
            with _transaction(conn):
                _seal(conn, dsn, float(scale), size, made)
                found = marker.read(conn)
    if found is None:
        raise DatabaseError(f"the dataset at {dsn.redacted} was dropped while it was loaded: load it again")
    return found


def inspect(dsn: Dsn) -> Dataset | None:
    """The dataset that the database has. None if it has no complete one."""
    with server.explained(dsn, "reading bench_dataset", "run `bench db load`"), server.connect(dsn) as conn:
        return marker.read(conn)


def check(dsn: Dsn, scale: float, *, contents: bool = False) -> Dataset:
    """Raise DatabaseError unless the database has this dataset. With `contents`, every row is read.

    The message names the table with the rows expected and found, or the two checksums.
    """
    size = dataset.size(scale)
    with server.explained(dsn, "checking the dataset", "run `bench db load`"), server.connect(dsn) as conn:
        found = marker.read(conn)
        wrong = [] if found is None else _differences(conn, found, size)
        if found and not wrong and contents:
            now = checksum.compute(conn, size)
            wrong = [] if now == found.checksum else [f"expected checksum {found.checksum}, found {now}"]
    if found is None or wrong:
        what = wrong[0] if wrong else f"expected scale {float(scale):g}, found no complete dataset"
        raise DatabaseError(
            f"database {dsn.dbname!r} at {dsn.redacted} does not hold the dataset: {what};"
            f" run `bench db load --scale {float(scale):g}`"
        )
    return found


@contextmanager
def _locked(conn: psycopg.Connection, lock: int, progress: Progress) -> Iterator[None]:
    """Hold an advisory lock, in a transaction: behind a pooler, nothing else of a session lasts."""
    with conn.transaction():
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # others work while it waits
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock]).fetchone()
        if not (row and row[0]):
            progress("waiting for another load into this database to end", 0.0)
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        yield


@contextmanager
def _transaction(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that does not wait forever for a session that was left in another one."""
    with conn.transaction():
        conn.execute("SET LOCAL lock_timeout = '15s'")
        yield


def _differences(conn: psycopg.Connection, found: Dataset, size: dataset.Size) -> list[str]:
    """The differences, cheap facts first: those of the marker, then those of the tables."""
    if found.version != dataset.VERSION:
        return [f"expected version {dataset.VERSION}, found {found.version}"]
    if found.size != size:
        return [f"table users: expected {size.users} rows, found the dataset of {found.size.users}"]
    if (known := checksum.known(size)) not in (None, found.checksum):
        return [f"expected checksum {known}, found {found.checksum}"]
    return marker.differences(conn, size)


def _build(conn: psycopg.Connection, dsn: Dsn, size: dataset.Size, progress: Progress) -> str:
    """Build everything except the mark of completeness. Returns the checksum."""
    progress("making tables", 0.0)
    with _transaction(conn):
        conn.execute("DROP TABLE IF EXISTS notes, order_items, orders, products, users, bench_dataset")
        marker.create(conn)
        conn.execute(content.schema().tables.encode())
        marker.mark(conn)
    made = building.build(dsn, size, lambda step, fraction: progress(step, fraction * _BUILT))
    progress("writing it to disk", _BUILT)
    restore.reset_sequences(conn, size)
    server.checkpoint(conn)
    return made


def _seal(conn: psycopg.Connection, dsn: Dsn, scale: float, size: dataset.Size, found: str) -> None:
    expected = checksum.known(size)
    if expected not in (None, found):
        raise DatabaseError(
            f"the dataset loaded at {dsn.redacted} has checksum {found}, but scale {scale:g} must have {expected}:"
            " report this with the server's version; its results cannot be compared with other machines'"
        )
    marker.write(conn, scale, size, found)


def _silent(_step: str, _fraction: float) -> None:
    pass
