"""Fills the empty tables and adds keys and indexes, on several sessions side by side.

This module does not mark the dataset as complete; `db.data.loader` does that at the end.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from psycopg import sql

from db import server
from db.address.dsn import Dsn
from db.data import checksum, content, copy_format, rows
from db.data.checksum import Part, Sum
from db.data.dataset import Size
from db.data.steps import Progress, ReportShare, Step, run

FILLING_LOCK = 7_164_025_719
"""An advisory lock that every transaction of a load shares: an exclusive lock proves that no killed load is left."""
MOST_SESSIONS = 4

_ORDER = ("order_items", "users", "orders", "products", "notes")  # the table with the longest work first
_PARTS = {"order_items": 4, "orders": 2}  # parts of the checksum: short steps keep all sessions busy until the end
# Sorting in 64 MB took no longer than in 256 MB. A session uses one process: there are as many sessions as CPUs.
# They hold for one transaction, as the lock does: a pooler may give each transaction another session.
_SETTINGS = f"""
SET LOCAL lock_timeout = '15s'; SET LOCAL maintenance_work_mem = '64MB'; SET LOCAL jit = off;
SET LOCAL max_parallel_maintenance_workers = 0; SET LOCAL max_parallel_workers_per_gather = 0;
SELECT pg_advisory_xact_lock_shared({FILLING_LOCK})
"""
# A merge over the indexes of both sides takes a fraction of the time of hashing one of them.
_BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off"
_REPORT_EVERY = 10  # blocks of rows

# The error that is raised says more than psycopg's log line for a COPY that breaks off.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Session = psycopg.Connection
Steps = list[Step[Session]]
_Work = Callable[[Session, ReportShare], None]


def build(dsn: Dsn, size: Size, progress: Progress) -> str:
    """Fill the five empty tables, and add keys, indexes and foreign keys. Returns the checksum.

    Memory: 64 MB for each session that sorts (at most four), and a block of rows for each session that fills.
    """
    sums: list[Sum] = []
    with _sessions(dsn, min(MOST_SESSIONS, max(2, os.cpu_count() or 2))) as sessions:
        run(steps(size, sums), sessions, _cancel, progress)
    return checksum.combined(sums)


def steps(size: Size, sums: list[Sum]) -> Steps:
    """All steps, the most urgent first. They add the sums of all parts to `sums`.

    Steps that may run at the same time never wait for each other's locks. Costs are roughly seconds.
    """
    schema, millions = content.schema(), {table: count / 1e6 for table, count in size.items()}
    found: Steps = []
    for table in _ORDER:
        keys = [statement.text for statement in schema.keys if statement.table == table]
        found.append(Step(f"filling {table}", 1.0 * millions[table], _fill(table, size, keys)))
    filled = tuple(step.name for step in found)
    made: dict[str, list[str]] = {table: [] for table in _ORDER}
    for index in schema.indexes:
        name = f"making {index.name}"
        found.append(Step(name, 0.5 * millions[index.table], _execute(index.text), (f"filling {index.table}",)))
        made[index.table].append(name)
    before = filled
    for key in schema.foreign_keys:
        name = f"checking {key.name}"
        found.append(Step(name, 0.1 * millions[key.table], _execute(_BY_INDEX, key.text), (*before, *made[key.table])))
        before = (name,)
    for table in _ORDER:
        parts = checksum.parts(size, table, _PARTS.get(table, 1))
        for number, part in enumerate(parts, 1):
            name = f"verifying {table} {number}/{len(parts)}"
            found.append(Step(name, 0.7 * millions[table] / len(parts), _add(part, sums), (f"filling {table}",)))
    return found


def _fill(table: str, size: Size, keys: Sequence[str]) -> _Work:
    """Write the table's rows and keys in one transaction, then compute the planner's statistics.

    The table is truncated in the same transaction, so it needs no WAL under wal_level=minimal, and COPY may write
    frozen rows: no VACUUM has to freeze them later, and index-only scans need no look at the table.
    """
    name, last = sql.Identifier(table), dict(size.items())[table]
    copy = sql.SQL("COPY {} FROM STDIN (FORMAT binary, FREEZE)").format(name)

    def work(session: Session, report_share: ReportShare) -> None:
        with _transaction(session):
            session.execute(sql.SQL("TRUNCATE {}").format(name))
            with session.cursor().copy(copy) as stream:
                stream.write(copy_format.HEADER)
                for number, (row, block) in enumerate(rows.blocks(table, size)):
                    stream.write(block)
                    if number % _REPORT_EVERY == 0:
                        report_share(row / last / 2)
                stream.write(copy_format.TRAILER)
            for key in keys:
                session.execute(key.encode())
        # If autovacuum is on, it has nothing left to do. VACUUM also removes empty pages that COPY left at the end.
        session.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))

    return work


def _execute(*statements: str) -> _Work:
    def work(session: Session, _report_share: ReportShare) -> None:
        with _transaction(session):
            for statement in statements:
                session.execute(statement.encode())

    return work


def _add(part: Part, sums: list[Sum]) -> _Work:
    def work(session: Session, _report_share: ReportShare) -> None:
        with _transaction(session):
            sums.append(checksum.add(session, part))

    return work


@contextmanager
def _sessions(dsn: Dsn, count: int) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server.connect(dsn)) for _ in range(count)]


@contextmanager
def _transaction(session: Session) -> Iterator[None]:
    with session.transaction():
        session.execute(_SETTINGS.encode())
        yield


def _cancel(session: Session) -> None:
    with suppress(psycopg.Error):  # its server may have ended, and that may be the reason
        session.cancel_safe(timeout=2)
