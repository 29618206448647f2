"""One number for what the dataset holds, independent of the order of rows and of the server's settings."""

import hashlib
import tomllib

import psycopg
from psycopg import sql

from bench.errors import DatabaseError
from db import content, dataset, marker, server
from db.dsn import Dsn

# What a row's text depends on; all else in it is ASCII text and numbers.
_SESSION = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1"
_SUM = sql.SQL(
    "SELECT count(*), coalesce(sum(('x' || left(md5(rows::text), 16))::bit(64)::bigint), 0)::text"
    " FROM {table} AS rows WHERE id <= {limit}"
)


def current(dsn: Dsn) -> str:
    """The checksum of the dataset as it is now: reads every row, which takes seconds at scale 1."""
    with server.explained(dsn, "reading the dataset", "run `bench db load`"), server.connect(dsn) as conn:
        found = marker.read(conn)
        if found is None:
            raise DatabaseError(f"database {dsn.dbname!r} at {dsn.redacted} holds no dataset: run `bench db load`")
        return compute(conn, found.size)


def compute(conn: psycopg.Connection, size: dataset.Size) -> str:
    """32 hexadecimal digits over the dataset's own rows (users that cells created are left out).

    A table's part is its row count and the sum, modulo 2^64, of the first 64 bits of each row's md5: additions
    commute, so no sort is needed, and a changed, missing or doubled row changes the sum.
    """
    parts = []
    with conn.transaction():
        conn.execute(_SESSION)
        for table, rows in size.items():
            limit = rows if table == "users" else 2**62
            row = conn.execute(_SUM.format(table=sql.Identifier(table), limit=limit)).fetchone()
            count, total = row or (0, "0")
            parts.append(f"{table} {count} {int(total) % 2**64:016x}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def known(size: dataset.Size) -> str | None:
    """The checksum that a dataset of this size must have, where it is on record (checksums.toml)."""
    record = tomllib.loads((content.FOLDER / "checksums.toml").read_text(encoding="utf-8"))
    if record["version"] != dataset.VERSION:
        return None
    by_size = {dataset.size(scale): checksum for scale, checksum in record["checksums"].items()}
    return by_size.get(size)
