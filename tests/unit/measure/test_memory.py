"""Which points of memory are measured, and what is said of the others; what the kernel says of a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bench.measure.database import Database
from bench.measure.profiling import footprint, memory
from bench.plan.matrix import default_setup
from db.address.dsn import Dsn

HERE = Database(Dsn("127.0.0.1", 5432, "bench", "", "bench"), private=True, pid=1)
ELSEWHERE = replace(HERE, pid=None, unseen="it runs on another machine")


def test_a_setup_that_is_a_point_of_several_resources_is_started_once() -> None:
    found = memory.points_of(default_setup("psycopg2_sync"))
    assert found[default_setup("psycopg2_sync")] == [("connection", 10), ("thread", 40), ("worker", 1)]
    assert len(found) == 7
    assert sorted(point for points in found.values() for point in points) == sorted(
        (of, value) for of, values in memory.VALUES.items() for value in values
    )
    assert {(one.pool_size, one.threads, one.workers) for one in found} == {
        (5, 40, 1), (10, 40, 1), (20, 40, 1), (10, 10, 1), (10, 20, 1), (10, 40, 2), (10, 40, 3),
    }  # fmt: skip


def test_what_is_not_measured_has_its_reason() -> None:
    """A thread of an async service, anything of a service without a database, and PostgreSQL on another machine."""
    assert list(memory.left_out(default_setup("psycopg2_sync"), HERE)) == []
    assert list(memory.left_out(default_setup("asyncpg_async"), ELSEWHERE)) == [
        "asyncpg_async: no memory of a thread: its endpoints are async and run on none",
        "asyncpg_async: no memory of PostgreSQL: it runs on another machine",
    ]
    assert list(memory.left_out(default_setup("no_database_sync"), HERE)) == [
        "no_database_sync: no memory of a connection: it has none",
        "no_database_sync: no memory of a thread: without session_sleep, nothing makes it use all of its threads",
        "no_database_sync: no memory of PostgreSQL: it has no connection",
    ]
    pooled = replace(default_setup("psycopg2_sync"), pooler="transaction")
    [line] = memory.left_out(pooled, HERE)
    assert line.startswith("psycopg2_sync: no memory of PostgreSQL: a pooler is before it")
    [line] = memory.left_out(
        default_setup("psycopg2_sync"), replace(HERE, dsn=replace(HERE.dsn, host="/run/postgresql"))
    )
    assert "a socket in the file system" in line
    assert {of for points in memory.points_of(default_setup("asyncpg_async")).values() for of, _ in points} == {
        "connection", "worker",
    }  # fmt: skip


FILLS = "import sys; held = b'1' * {size}; print(flush=True); sys.stdin.read()"


@contextmanager
def process(size: int) -> Iterator[int]:
    """A process that has so many bytes more than Python itself."""
    with subprocess.Popen(
        [sys.executable, "-c", FILLS.format(size=size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running.pid


def test_the_memory_of_processes_is_in_mb() -> None:
    """Of 10^6 bytes; one that has ended has none."""
    with process(0) as small, process(50_000_000) as large:
        alone, more = footprint.of_processes([small]), footprint.of_processes([large])
        both = footprint.of_processes([small, large])
    assert alone is not None
    assert more is not None
    assert both is not None
    assert 48 < more - alone < 55
    assert both == pytest.approx(alone + more, abs=0.5)
    assert footprint.of_processes([small]) == 0
    assert footprint.of_processes([os.getpid()]) != 0


def test_another_program_takes_no_memory_away() -> None:
    """It has Python's own pages, too, which then are shared by more processes."""
    with process(0) as one:
        before = footprint.of_processes([one])
        with process(0), process(0):
            assert footprint.of_processes([one]) == before
