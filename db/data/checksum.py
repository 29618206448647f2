"""One number for the contents of the dataset, independent of the order of rows and of the server's settings."""

import hashlib
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import psycopg
from psycopg import sql

from db import server
from db.address.dsn import Dsn
from db.data import content, dataset, marker
from suite.errors import DatabaseError

# The text of a row depends on these settings only: the rest of it is ASCII text and numbers.
_SESSION = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1"
_SUM = sql.SQL(
    "SELECT count(*), coalesce(sum(('x' || left(md5(rows::text), 16))::bit(64)::bigint), 0)::text"
    " FROM {table} AS rows WHERE id > {above} AND id <= {upto}"
)
_LOWEST, _HIGHEST = -(2**62), 2**62


@dataclass(frozen=True)
class Part:
    """The rows of a table with `above` < id <= `upto`."""

    table: str
    above: int
    upto: int


@dataclass(frozen=True)
class Sum:
    """The number of rows of a part, and the sum of the first 64 bits of each row's md5, modulo 2^64."""

    table: str
    rows: int
    total: int


def current(dsn: Dsn) -> str:
    """The checksum of the dataset as it is now. It reads every row, which takes seconds at scale 1."""
    with server.explained(dsn, "reading the dataset", "run `bench db load`"), server.connect(dsn) as conn:
        found = marker.read(conn)
        if found is None:
            raise DatabaseError(f"database {dsn.dbname!r} at {dsn.redacted} holds no dataset: run `bench db load`")
        return compute(conn, found.size)


def compute(conn: psycopg.Connection, size: dataset.Size) -> str:
    """32 hexadecimal digits over the dataset's own rows (users that cells created are left out).

    For each table, they cover the row count and the sum, modulo 2^64, of the first 64 bits of each row's md5.
    Addition is commutative, so no sort is needed. A changed, missing or doubled row changes the sum.
    """
    return combined([add(conn, part) for table in dataset.TABLES for part in parts(size, table)])


def parts(size: dataset.Size, table: str, count: int = 1) -> list[Part]:
    """All rows of a table in `count` parts, including rows that should not exist (except created users)."""
    last = dict(size.items())[table]
    inner = [last * number // count for number in range(1, count)]
    edges = [_LOWEST, *inner, last if table == "users" else _HIGHEST]
    return [Part(table, above, upto) for above, upto in pairwise(edges)]


def add(conn: psycopg.Connection, part: Part) -> Sum:
    """Read the rows of a part and sum them."""
    query = _SUM.format(table=sql.Identifier(part.table), above=part.above, upto=part.upto)
    with conn.transaction():
        conn.execute(_SESSION)
        row = conn.execute(query).fetchone()
    count, total = row or (0, "0")
    return Sum(part.table, count, int(total) % 2**64)


def combined(sums: Collection[Sum]) -> str:
    """The checksum of the parts of all tables, in any order."""
    lines = []
    for table in dataset.TABLES:
        mine = [one for one in sums if one.table == table]
        rows, total = sum(one.rows for one in mine), sum(one.total for one in mine) % 2**64
        lines.append(f"{table} {rows} {total:016x}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def known(size: dataset.Size) -> str | None:
    """The checksum that a dataset of this size must have, if checksums.toml has it."""
    record = tomllib.loads((content.FOLDER / "checksums.toml").read_text(encoding="utf-8"))
    if record["version"] != dataset.VERSION:
        return None
    by_size = {dataset.size(scale): checksum for scale, checksum in record["checksums"].items()}
    return by_size.get(size)
