"""The marker of a complete dataset (the table bench_dataset, written last), and checks of the five tables."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from db.address.dsn import Dsn
from db.data import dataset
from suite.errors import DatabaseError

COMMENT = "Dataset of fastapi-postgres-bench: its tables may be dropped and loaded again by `bench db load`."
MARKER = "bench_dataset"
NAMES = (*dataset.TABLES, MARKER)
INDEXES = (
    "users_pkey", "users_email_key", "products_pkey", "orders_pkey", "orders_user_id_idx", "order_items_pkey",
    "order_items_order_id_idx", "order_items_product_id_idx", "order_items_order_id_product_id_idx", "notes_pkey",
)  # fmt: skip
FOREIGN_KEYS = ("orders_user_id_fkey", "order_items_order_id_fkey", "order_items_product_id_fkey")


@dataclass(frozen=True)
class Dataset:
    """A dataset that was loaded completely, at `loaded_at` (UTC), with this `checksum` at that time."""

    version: int
    scale: float
    checksum: str
    loaded_at: datetime
    size: dataset.Size


def refuse_strangers(conn: psycopg.Connection, dsn: Dsn) -> None:
    """Raise DatabaseError if a table has one of our names but was not made by this suite: it has a user's data.

    Names are looked up on the connection's search path. Each table has its own mark: even if `bench_dataset` is ours,
    `users` may be a table of another schema in the path.
    """
    if taken := strangers(conn):
        raise DatabaseError(
            f"database {dsn.dbname!r} at {dsn.redacted} already has a table {taken[0]!r} that this suite did not make:"
            " name another (empty) database, or drop that table yourself"
        )


def strangers(conn: psycopg.Connection) -> list[str]:
    """The tables with our names that this connection sees and this suite did not make, as `schema.name`."""
    seen = _seen(conn)
    home = seen[MARKER].schema if MARKER in seen and seen[MARKER].comment == COMMENT else None
    return [f"{one.schema}.{name}" for name, one in seen.items() if (one.schema, one.comment) != (home, COMMENT)]


class _FoundTable(NamedTuple):
    schema: str
    comment: str | None


def _seen(conn: psycopg.Connection) -> dict[str, _FoundTable]:
    """The tables that this connection finds by our names, in the order of `NAMES`, without names that have no table."""
    rows = conn.execute(
        """
        SELECT name, nspname, obj_description(pg_class.oid, 'pg_class')
        FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, number)
        JOIN pg_class ON pg_class.oid = to_regclass(name) JOIN pg_namespace ON pg_namespace.oid = relnamespace
        ORDER BY number
        """,
        [list(NAMES)],
    )
    return {name: _FoundTable(schema, comment) for name, schema, comment in rows}


def mark(conn: psycopg.Connection) -> None:
    """Mark all our tables as made by this suite. The caller has just created them, or proved that they are ours."""
    for name in NAMES:
        conn.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(name), sql.Literal(COMMENT)))


def adopt(conn: psycopg.Connection) -> None:
    """Mark the tables of a complete dataset from a version that did not mark each table.

    The marker must be ours and in the same schema, and the tables must agree with it. Otherwise nothing is changed, and
    `refuse_strangers` reports the tables.
    """
    seen = _seen(conn)
    if len({one.schema for one in seen.values()}) == 1 and any(one.comment != COMMENT for one in seen.values()):
        found = read(conn)
        if found is not None and not differences(conn, found.size):
            with conn.transaction():
                mark(conn)


def exists(conn: psycopg.Connection, table: str) -> bool:
    """Whether a table, view or the like has this name on the connection's search path."""
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row is not None and bool(row[0])


def is_ours(conn: psycopg.Connection) -> bool:
    """Whether the marker table exists and is ours. Its comment decides: another tool may use the same name."""
    row = conn.execute("SELECT obj_description(to_regclass('bench_dataset'), 'pg_class') = %s", [COMMENT]).fetchone()
    return row is not None and bool(row[0])


def create(conn: psycopg.Connection) -> None:
    """Create the marker table. It is empty: the dataset is not complete yet."""
    conn.execute(
        """
        CREATE TABLE bench_dataset (
            version int NOT NULL, scale float8 NOT NULL, checksum text NOT NULL,
            loaded_at timestamptz NOT NULL DEFAULT now(),
            users bigint NOT NULL, products bigint NOT NULL, orders bigint NOT NULL, order_items bigint NOT NULL,
            notes bigint NOT NULL
        )
        """
    )


def write(conn: psycopg.Connection, scale: float, size: dataset.Size, checksum: str) -> None:
    """Mark the dataset as complete."""
    conn.execute(
        "INSERT INTO bench_dataset (version, scale, checksum, users, products, orders, order_items, notes)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [dataset.VERSION, scale, checksum, *astuple(size)],
    )


def read(conn: psycopg.Connection) -> Dataset | None:
    """The dataset in the marker. None without a marker, or if a load did not finish."""
    if not is_ours(conn):
        return None
    # The time as a number: psycopg parses timestamptz only in the ISO style, and a database may set DateStyle.
    row = conn.execute(
        "SELECT version, scale, checksum, extract(epoch FROM loaded_at)::float8,"
        " users, products, orders, order_items, notes FROM bench_dataset"
    ).fetchone()
    if row is None:
        return None
    return Dataset(row[0], row[1], row[2], datetime.fromtimestamp(row[3], UTC), dataset.Size(*row[4:]))


def required(conn: psycopg.Connection, dsn: Dsn) -> Dataset:
    """The dataset in the marker. Raises DatabaseError if tables are not ours, or if there is no complete dataset."""
    refuse_strangers(conn, dsn)
    found = read(conn)
    if found is None:
        raise DatabaseError(f"database {dsn.dbname!r} at {dsn.redacted} holds no dataset: run `bench db load`")
    return found


def differences(conn: psycopg.Connection, size: dataset.Size) -> list[str]:
    """How tables, rows, indexes and foreign keys differ from a dataset of this size, one phrase for each.

    Users beyond the dataset are ignored: cells create them, and `db.data.restore` deletes them.
    """
    found = [_row_difference(conn, table, rows) for table, rows in size.items()]
    present = {
        name
        for (name,) in conn.execute(
            """
            SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indisvalid AND indrelid = ANY (SELECT to_regclass(name) FROM unnest(%(tables)s::text[]) AS name)
            UNION ALL
            SELECT conname FROM pg_constraint
            WHERE contype = 'f' AND convalidated
              AND conrelid = ANY (SELECT to_regclass(name) FROM unnest(%(tables)s::text[]) AS name)
            """,
            {"tables": list(dataset.TABLES)},
        )
    }
    missing = [f"{name} is missing" for name in (*INDEXES, *FOREIGN_KEYS) if name not in present]
    return [*filter(None, found), *missing]


def _row_difference(conn: psycopg.Connection, table: str, rows: int) -> str:
    if not exists(conn, table):
        return f"table {table}: expected {rows} rows, found no such table"
    beyond = sql.SQL(" WHERE id <= {}").format(rows) if table == "users" else sql.SQL("")
    query = sql.SQL("SELECT count(*) FROM {}{}").format(sql.Identifier(table), beyond)
    row = conn.execute(query).fetchone()
    found = row[0] if row else 0
    return "" if found == rows else f"table {table}: expected {rows} rows, found {found}"
