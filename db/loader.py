"""Load the dataset, say what is there, and check it."""

from collections.abc import Callable

import psycopg

from bench.errors import DatabaseError
from db import checksum, content, dataset, marker, restore, server
from db.dsn import Dsn
from db.marker import Dataset

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction done before it, 0 to 1."""

_LOCK = 7_164_025_718  # of our own choosing: two loads into one database take turns
_MEMORY = "SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL work_mem = '128MB'"


def load(dsn: Dsn, scale: float, progress: Progress | None = None) -> Dataset:
    """Bring the database to hold the dataset of this scale; does nothing when it already does.

    An incomplete dataset of ours, or one of another scale or version, is dropped and loaded again.

    Raises:
        DatabaseError: a table of that name is not ours, the server refuses, or the contents came out wrong.
    """
    size = dataset.size(scale)
    remedy = "mend what it names (space, rights, a session that holds a lock) and run `bench db load` again"
    with server.explained(dsn, "loading the dataset", remedy), server.connect(dsn) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # until the connection closes
        conn.execute("SET lock_timeout = '15s'")  # a session left in a transaction would stop us for good
        marker.refuse_strangers(conn, dsn)
        found = marker.read(conn)
        if found is None or _differences(conn, found, size):
            _build(conn, size, progress or _silent)
            _seal(conn, dsn, float(scale), size)
            found = marker.read(conn)
    if found is None:
        raise DatabaseError(f"the dataset at {dsn.redacted} was dropped while it was loaded: load it again")
    return found


def inspect(dsn: Dsn) -> Dataset | None:
    """What the database says it holds; None when there is no complete dataset."""
    with server.explained(dsn, "reading bench_dataset", "run `bench db load`"), server.connect(dsn) as conn:
        return marker.read(conn)


def check(dsn: Dsn, scale: float, *, contents: bool = False) -> Dataset:
    """Raise DatabaseError unless the database holds this dataset; with `contents`, read every row for it.

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


def _differences(conn: psycopg.Connection, found: Dataset, size: dataset.Size) -> list[str]:
    """Cheap facts first: what the marker says, then what the tables hold."""
    if found.version != dataset.VERSION:
        return [f"expected version {dataset.VERSION}, found {found.version}"]
    if found.size != size:
        return [f"table users: expected {size.users} rows, found the dataset of {found.size.users}"]
    if (known := checksum.known(size)) not in (None, found.checksum):
        return [f"expected checksum {known}, found {found.checksum}"]
    return marker.differences(conn, size)


def _build(conn: psycopg.Connection, size: dataset.Size, progress: Progress) -> None:
    tables, keys = content.schema()
    fill = content.fill(size)
    steps = [("making tables", tables), *((f"filling {table}", statement) for table, statement in fill)]
    steps += [("building keys and indexes", statement) for statement in keys.split(";\n")]
    with conn.transaction():
        conn.execute(_MEMORY)
        conn.execute("DROP TABLE IF EXISTS notes, order_items, orders, products, users, bench_dataset")
        marker.create(conn)
        for number, (step, statement) in enumerate(steps):
            progress(step, number / (len(steps) + 2))
            conn.execute(statement.encode())
        restore.reset_sequences(conn, size)
    progress("vacuuming", len(steps) / (len(steps) + 2))
    # Frozen once and for all: no later VACUUM has these rows to do again.
    conn.execute("VACUUM (FREEZE, ANALYZE) users, products, orders, order_items, notes")
    server.checkpoint(conn)
    progress("verifying", (len(steps) + 1) / (len(steps) + 2))


def _seal(conn: psycopg.Connection, dsn: Dsn, scale: float, size: dataset.Size) -> None:
    found = checksum.compute(conn, size)
    expected = checksum.known(size)
    if expected not in (None, found):
        raise DatabaseError(
            f"the dataset loaded at {dsn.redacted} has checksum {found} where scale {scale:g} must have {expected}:"
            " report this with the server's version; results from it compare with no other machine's"
        )
    marker.write(conn, scale, size, found)


def _silent(_step: str, _fraction: float) -> None:
    pass
