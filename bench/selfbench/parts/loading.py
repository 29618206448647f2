"""Measures how long the dataset takes to load, compared with tables that already have their keys and indexes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import psutil
from psycopg import sql

from bench.measure.progress import paced
from bench.selfbench.figures import Say, TargetRange
from bench.selfbench.setting import Setting
from db import server
from db.address.dsn import Dsn
from db.data import content, copy_format, dataset, loader, rows
from db.data.restore import restore
from db.private import embedded
from db.private.embedded import Running

SCALE = 1.0
MOST = TargetRange(high=1 / 8)
MOST_REUSE_S = TargetRange(high=1.0)
LOOK_EVERY_S = 0.25
MB = 2**20
IN_PLACE = "in_place"


@dataclass
class Peak:
    """The highest memory, in bytes, of the server's processes together, and of this process.

    For the server, only private memory counts. The shared buffers are a setting (db/settings.py).
    """

    server: int = 0
    harness: int = 0

    def __str__(self) -> str:
        return f"{self.server / MB:,.0f} MB of PostgreSQL's own, {self.harness / MB:,.0f} MB of the harness"


def of_the_dataset(setting: Setting, say: Say, scale: float = SCALE) -> None:
    """Load as `bench db load` does, before and after a load into complete tables, on one private server."""
    say(f"scale {scale:g}; with keys, indexes and foreign keys in place it takes minutes")
    cluster = embedded.locate(setting.new_folder("loading"))
    try:
        running = embedded.start(cluster, detached=False)
        ours = [_loaded(running, scale, say)]
        _reused(running.dsn, scale, say)
        in_place_s = _in_place(running, scale, say)
        with server.connect(running.dsn) as conn:
            conn.execute("DELETE FROM bench_dataset")  # now the dataset no longer counts as complete
        ours.append(_loaded(running, scale, say))
    finally:
        embedded.destroy(cluster)
    shares = [took_s / in_place_s for took_s in ours]
    say(
        f"  loaded / in place: {', '.join(f'{share:.3f}' for share in shares)}; {MOST.ruling(min(shares), max(shares))}"
    )


def _loaded(running: Running, scale: float, say: Say) -> float:
    with _watched(running) as peak:
        took_s = _timed(lambda: loader.load(running.dsn, scale, paced(say, "  loading", 10.0)))
    say(f"  loaded and verified in {took_s:.1f} s; at most {peak}")
    return took_s


def _reused(dsn: Dsn, scale: float, say: Say) -> None:
    restore(dsn)
    for doing, work in (("found whole", lambda: loader.load(dsn, scale)), ("restored", lambda: restore(dsn))):
        took_s = max(_timed(work) for _ in range(3))
        say(f"  {doing} in {took_s:.2f} s, the slowest of 3; {MOST_REUSE_S.ruling(took_s, took_s)}")


def _in_place(running: Running, scale: float, say: Say) -> float:
    """Seconds for the same rows, with the same COPY, in one session, into tables with all keys and indexes."""
    dsn, size = replace(running.dsn, dbname=IN_PLACE), dataset.size(scale)
    with server.connect(running.dsn) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(IN_PLACE)))
    report, schema = paced(say, "  in place", 10.0), content.schema()
    with _watched(running) as peak, server.connect(dsn) as conn:
        conn.execute(schema.tables.encode())
        for statement in (*schema.keys, *schema.indexes, *schema.foreign_keys):
            conn.execute(statement.text.encode())
        server.checkpoint(conn)
        began_s, done, count = time.perf_counter(), 0, sum(rows_ for _, rows_ in size.items())
        for table, last in size.items():
            with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))) as to:
                to.write(copy_format.HEADER)
                for row, block in rows.blocks(table, size):
                    to.write(block)
                    report(f"filling {table}", (done + row) / count)
                to.write(copy_format.TRAILER)
            done += last
        took_s = time.perf_counter() - began_s
    say(f"  in place in {took_s:.1f} s, neither vacuumed nor verified; at most {peak}")
    return took_s


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


@contextmanager
def _watched(running: Running) -> Iterator[Peak]:
    """Read memory in a separate thread until the block ends."""
    peak, ended = Peak(), threading.Event()
    postmaster, me = psutil.Process(running.pid), psutil.Process()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            own = 0
            for process in (postmaster, *postmaster.children()):
                with suppress(psutil.Error):  # a session has just ended
                    own += process.memory_full_info().uss
            peak.server, peak.harness = max(peak.server, own), max(peak.harness, me.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
