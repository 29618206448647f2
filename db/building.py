"""Fill the bare tables and add what follows, on several sessions side by side.

Nothing here says that the dataset is complete: `db.loader` does, when all of it is.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from psycopg import sql

from db import checksum, content, copy_format, rows, server
from db.checksum import Part, Sum
from db.dataset import Size
from db.dsn import Dsn
from db.steps import Progress, ReportShare, Step, run

FILLING_LOCK = 7_164_025_719
"""An advisory lock that every session of a load shares: who has it alone knows that none of a killed load is left."""
MOST_SESSIONS = 4

_ORDER = ("order_items", "users", "orders", "products", "notes")  # the table with the longest way to the end first
_PARTS = {"order_items": 4, "orders": 2}  # of the checksum: short steps keep all sessions busy to the end
# Sorting in 64 MB took no longer than in 256 MB. A session keeps to one process: there are as many sessions as CPUs.
_SESSION = """
SET lock_timeout = '15s'; SET maintenance_work_mem = '64MB'; SET jit = off;
SET max_parallel_maintenance_workers = 0; SET max_parallel_workers_per_gather = 0
"""
# Walking the indexes of both sides in step takes a fraction of the time of hashing one of them.
_BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off"
_TOLD_EVERY = 10  # blocks of rows

# What psycopg would print of a COPY that broke off says less than the error that is raised.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Session = psycopg.Connection
Steps = list[Step[Session]]
_Work = Callable[[Session, ReportShare], None]


def build(dsn: Dsn, size: Size, progress: Progress) -> str:
    """Fill the five tables, which are there and bare; make keys, indexes, foreign keys. The checksum of what is there.

    Memory: 64 MB for each session that sorts (at most four), and a block of rows for each that fills.
    """
    sums: list[Sum] = []
    with _sessions(dsn, min(MOST_SESSIONS, max(2, os.cpu_count() or 2))) as sessions:
        run(steps(size, sums), sessions, _cancel, progress)
    return checksum.combined(sums)


def steps(size: Size, sums: list[Sum]) -> Steps:
    """What is to be done, the most urgent first; the sums of all parts are added to `sums`.

    No two steps that may run at once wait for each other's locks. Costs are seconds, roughly.
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
    """The table's rows and keys in one transaction, then the planner's statistics.

    Truncated in that transaction, the table needs no WAL under wal_level=minimal, and COPY may freeze the rows as it
    writes them: no VACUUM has them to do again, and indexes alone answer whether a row is visible.
    """
    name, last = sql.Identifier(table), dict(size.items())[table]
    copy = sql.SQL("COPY {} FROM STDIN (FORMAT binary, FREEZE)").format(name)

    def work(session: Session, told: ReportShare) -> None:
        with session.transaction():
            session.execute(sql.SQL("TRUNCATE {}").format(name))
            with session.cursor().copy(copy) as stream:
                stream.write(copy_format.HEADER)
                for number, (row, block) in enumerate(rows.blocks(table, size)):
                    stream.write(block)
                    if number % _TOLD_EVERY == 0:
                        told(row / last / 2)
                stream.write(copy_format.TRAILER)
            for key in keys:
                session.execute(key.encode())
        # Autovacuum, where it is on, is told that this is done; empty pages that COPY kept in store at the end go.
        session.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))

    return work


def _execute(*statements: str) -> _Work:
    def work(session: Session, _told: ReportShare) -> None:
        with session.transaction():
            for statement in statements:
                session.execute(statement.encode())

    return work


def _add(part: Part, sums: list[Sum]) -> _Work:
    def work(session: Session, _told: ReportShare) -> None:
        sums.append(checksum.add(session, part))

    return work


@contextmanager
def _sessions(dsn: Dsn, count: int) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        sessions = [stack.enter_context(server.connect(dsn)) for _ in range(count)]
        for session in sessions:
            session.execute(_SESSION)
            session.execute("SELECT pg_advisory_lock_shared(%s)", [FILLING_LOCK])  # until it ends
        yield sessions


def _cancel(session: Session) -> None:
    with suppress(psycopg.Error):  # its server may be gone, and that may be why
        session.cancel_safe(timeout=2)
