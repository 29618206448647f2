"""What a database says it holds: the table bench_dataset, written last, and the questions about the five tables."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from bench.errors import DatabaseError
from db import dataset
from db.dsn import Dsn

COMMENT = "Dataset of fastapi-postgres-bench: its tables may be dropped and loaded again by `bench db load`."
INDEXES = (
    "users_pkey", "users_email_key", "products_pkey", "orders_pkey", "orders_user_id_idx", "order_items_pkey",
    "order_items_order_id_idx", "order_items_product_id_idx", "order_items_order_id_product_id_idx", "notes_pkey",
)  # fmt: skip
FOREIGN_KEYS = ("orders_user_id_fkey", "order_items_order_id_fkey", "order_items_product_id_fkey")


@dataclass(frozen=True)
class Dataset:
    """A dataset that was loaded to its end, at `loaded_at` (UTC), with contents of this `checksum` then."""

    version: int
    scale: float
    checksum: str
    loaded_at: datetime
    size: dataset.Size


def refuse_strangers(conn: psycopg.Connection, dsn: Dsn) -> None:
    """Raise DatabaseError when a table of ours exists and was not made by us: it would be somebody's data."""
    taken = [table for table in dataset.TABLES if exists(conn, table)]
    if is_ours(conn) or not (taken or exists(conn, "bench_dataset")):
        return
    raise DatabaseError(
        f"database {dsn.dbname!r} at {dsn.redacted} already has a table {(taken or ['bench_dataset'])[0]!r} that this"
        " suite did not make: name another (empty) database, or drop that table yourself"
    )


def exists(conn: psycopg.Connection, table: str) -> bool:
    """Whether the name means anything (table, view, ...) on the connection's search path."""
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row is not None and bool(row[0])


def is_ours(conn: psycopg.Connection) -> bool:
    """Whether the marker table is there, told by its comment: another tool might have a table of that name."""
    row = conn.execute("SELECT obj_description(to_regclass('bench_dataset'), 'pg_class') = %s", [COMMENT]).fetchone()
    return row is not None and bool(row[0])


def create(conn: psycopg.Connection) -> None:
    """Make the marker table, empty: what it marks is ours, and not complete."""
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
    conn.execute(sql.SQL("COMMENT ON TABLE bench_dataset IS {}").format(sql.Literal(COMMENT)))


def write(conn: psycopg.Connection, scale: float, size: dataset.Size, checksum: str) -> None:
    """Say that the dataset is complete."""
    conn.execute(
        "INSERT INTO bench_dataset (version, scale, checksum, users, products, orders, order_items, notes)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [dataset.VERSION, scale, checksum, *astuple(size)],
    )


def read(conn: psycopg.Connection) -> Dataset | None:
    """What the marker says; None without one, or when a load did not reach its end."""
    if not is_ours(conn):
        return None
    # The time as a number: psycopg reads timestamptz in the ISO style alone, and DateStyle is the database's choice.
    row = conn.execute(
        "SELECT version, scale, checksum, extract(epoch FROM loaded_at)::float8,"
        " users, products, orders, order_items, notes FROM bench_dataset"
    ).fetchone()
    if row is None:
        return None
    return Dataset(row[0], row[1], row[2], datetime.fromtimestamp(row[3], UTC), dataset.Size(*row[4:]))


def differences(conn: psycopg.Connection, size: dataset.Size) -> list[str]:
    """Where tables, rows, indexes and foreign keys differ from a dataset of this size, one phrase each.

    Users beyond the dataset are not counted: cells create them, and `db.restore` removes them.
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
