"""A PostgreSQL on this machine that was named by its address: found, watched, placed, and moved back."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
from rich.console import Console

from bench.measure import database
from bench.measure.named import locate, moving, sockets
from bench.measure.named.moving import Placed
from bench.plan.placement import available_cpus
from bench.store import runs
from db import server
from suite import catalogue
from tests import pgbouncer, postgresql
from tests.integration.checkout import Checkout, copied, rows, wait_for
from tests.postgresql import NamedServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes and their sockets")
several_cpus = pytest.mark.skipif(len(available_cpus()) < 2, reason="with one CPU nothing is placed")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SMOKE = ("run", "--plan", "smoke", "--services", "psycopg2_sync,asyncpg_async", "--scale", "0.001", "--users", "20")


@pytest.fixture(scope="module")
def named() -> Iterator[NamedServer]:
    with postgresql.running({"shared_preload_libraries": "pg_stat_statements"}) as one:
        yield one


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a harness that is not the checkout's."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    return tmp_path


def test_it_is_found_by_each_of_its_addresses(named: NamedServer) -> None:
    """By TCP on loopback in both families, by a name, by a socket in the file system."""
    own = [one.address for name, all_ in psutil.net_if_addrs().items() for one in all_ if one.family.name == "AF_INET"]
    for host in ("127.0.0.1", "::1", "localhost", str(named.folder / "socket"), *own):
        if host == "127.0.0.1" or not host.startswith("127."):
            found = locate.find(replace(named.dsn, host=host))
            assert found == locate.Found(named.postmaster.pid), host


def test_another_process_is_not_taken_for_it(named: NamedServer) -> None:
    """A process that is no PostgreSQL, one that started at another time, and one without the connection."""
    with psycopg.connect(named.dsn.url) as conn:
        row = conn.execute(locate._BACKEND).fetchone()
        assert row is not None
        backend = locate._Backend(row[0], row[1], sockets.end(row[2], row[3]), sockets.end(row[4], row[5]))
        assert locate._postmaster(backend) == named.postmaster.pid
        assert locate._is_held(backend, conn, named.postmaster.pid)
        assert locate._postmaster(replace(backend, pid=os.getpid(), started=psutil.Process().create_time())) is None
        assert locate._postmaster(replace(backend, started=row[1] - 10)) is None
        assert not locate._is_held(replace(backend, client=("127.0.0.1", 1)), conn, named.postmaster.pid)
        with psycopg.connect(named.dsn.url) as other:
            elsewhere = replace(backend, pid=other.info.backend_pid)
            assert not locate._is_held(elsewhere, conn, named.postmaster.pid)


@as_root
def test_one_with_pids_of_its_own_is_not_found_and_that_is_said() -> None:
    """As in a container: the pid that the server says is another process's here."""
    with postgresql.running(contained=True) as contained:
        assert contained.postmaster.name() == "postgres"
        found = locate.find(contained.dsn)
        assert (found.pids, found.why_not) == ((), locate.HIDDEN)
        with database.opened(contained.dsn.url, available_cpus()[:1]) as opened:
            assert opened.pids == ()
            [note] = [note.text for note in database.notes(opened) if "not watched" in note.text]
        assert "strangers named postgres" in note
        assert contained.postmaster.cpu_affinity() == list(available_cpus())


def test_a_pooler_before_it_is_part_of_the_database(named: NamedServer) -> None:
    """It refuses the options that keep time-outs off the suite's sessions, and can be reached without them."""
    with pgbouncer.running(named.dsn) as (through, pid):
        with server.connect(through) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        assert locate.find(through) == locate.Found(named.postmaster.pid, (pid,))


def cpus_of(named: NamedServer) -> set[tuple[int, ...]]:
    return {tuple(one.cpu_affinity()) for one in (named.postmaster, *named.postmaster.children())}


@several_cpus
@pytest.mark.parametrize("ends", [None, KeyboardInterrupt, RuntimeError])
def test_it_is_moved_and_moved_back(named: NamedServer, results: Path, ends: type[BaseException] | None) -> None:
    """Whatever ends the run; so are backends that came meanwhile, and one that had a CPU of its own keeps it."""
    first, *_, last = available_cpus()
    with server.connect(named.dsn) as before:
        own = psutil.Process(before.info.backend_pid)
        own.cpu_affinity([last])
        with pytest.raises(ends) if ends else _nothing(), moving.placed([named.postmaster.pid], [first]) as placed:
            assert placed is Placed.MOVED
            meanwhile = psycopg.connect(named.dsn.url)
            assert cpus_of(named) == {(first,)}
            assert moving.noted().parent == results
            if ends:
                raise ends
        assert own.cpu_affinity() == [last]
        assert psutil.Process(meanwhile.info.backend_pid).cpu_affinity() == list(available_cpus())
        assert named.postmaster.cpu_affinity() == list(available_cpus())
        assert not moving.noted().exists()
        meanwhile.close()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


KILLED = """
import os, signal, sys
from pathlib import Path
from bench.measure.named import moving
from bench.store import runs
runs.RESULTS = Path(sys.argv[1])
with moving.placed([int(sys.argv[2])], [int(sys.argv[3])]) as placed:
    print(placed.name, flush=True)
    if len(sys.argv) > 4:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def other_harness(*arguments: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", KILLED, *map(str, arguments)]
    return subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, check=False)


@several_cpus
def test_what_a_killed_harness_had_moved_is_moved_back_by_the_next(named: NamedServer, results: Path) -> None:
    """bench doctor says it before. Another server that has its pid by now is left alone."""
    first = available_cpus()[0]
    done = other_harness(results, named.postmaster.pid, first, "killed")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "MOVED\n"), done.stderr
    assert cpus_of(named) == {(first,)}
    assert str(named.postmaster.pid) in moving.left()
    text = moving.noted().read_text()
    moving.noted().write_text(text.replace(f'"{named.postmaster.pid}": {{"started": "', '"1": {"started": "'))
    with _quiet() as console:
        moving.put_back_left(console)
        assert cpus_of(named) == {(first,)}
        moving.noted().write_text(text)
        moving.put_back_left(console)
    assert cpus_of(named) == {tuple(available_cpus())}
    assert (moving.left(), moving.noted().exists()) == ("", False)


@contextmanager
def _quiet() -> Iterator[Console]:
    with Path(os.devnull).open("w") as nothing:
        yield Console(file=nothing)


@several_cpus
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_one_that_may_not_be_moved_stays_where_it_is(named: NamedServer, results: Path) -> None:
    """As in a container without CAP_SYS_NICE; one that is on those CPUs already need not be moved."""
    without_nice = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice")
    first = available_cpus()[0]
    done = other_harness(results, named.postmaster.pid, first, before=without_nice)
    assert (done.returncode, done.stdout) == (0, "NOT\n"), done.stderr
    assert cpus_of(named) == {tuple(available_cpus())}
    with moving.placed([named.postmaster.pid], [first]):
        done = other_harness(results / "other", named.postmaster.pid, first, before=without_nice)
        assert (done.returncode, done.stdout) == (0, "THERE\n"), done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    stage()
    yield from copied(tmp_path_factory.mktemp("named") / "checkout")


@several_cpus
@pytest.mark.release  # CI has too little time
def test_a_run_knows_its_cpu_time_and_moves_it_back(named: NamedServer, checkout: Checkout) -> None:
    """With an ordinary role; the remedy for each gap is said once."""
    clerk = named.add_role("clerk", owns="clerk")
    code, printed = checkout.bench(*SMOKE, "--name", "named", "--database-url", clerk.url, timeout_s=300)
    assert code in {0, 3}, printed  # 3: others may work on this machine meanwhile
    said = " ".join(printed.split())
    assert said.count("GRANT pg_read_all_stats TO clerk") == 1
    assert said.count("CREATE EXTENSION pg_stat_statements in database clerk") == 1
    assert clerk.password not in printed
    folder = checkout.results / "named"
    cells = [row for row in rows(folder / "summary.csv") if row["operation"] == "all"]
    assert len(cells) == 2
    assert all(float(row["database_cpu_ms_per_request"]) > 0.01 for row in cells)
    recorded = json.loads((folder / "environment.json").read_text())
    assert recorded["database"]["process"] == {"pid": named.postmaster.pid, "poolers": [], "placed": True}
    assert "unplaced" not in recorded["placement"]
    assert cpus_of(named) == {tuple(available_cpus())}


@several_cpus
@pytest.mark.slow
def test_ctrl_c_moves_it_back(named: NamedServer, checkout: Checkout) -> None:
    process = checkout.start(*SMOKE, "--name", "stopped", "--database-url", named.dsn.url)
    try:
        assert wait_for(lambda: len(cpus_of(named)) == 1 and len(min(cpus_of(named))) == 1, 60)
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 130, printed
    assert cpus_of(named) == {tuple(available_cpus())}
