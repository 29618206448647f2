"""Child processes: all of their threads stay on the CPUs they are given."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.measure.fleet.ownership import group_runs
from bench.measure.fleet.processes import Child
from bench.plan import placement
from bench.plan.placement import Placement
from tests.integration.checkout import wait_for

PROGRAM = """
import subprocess, sys, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"])
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="places processes on CPUs")
def test_every_thread_of_every_process_is_placed(tmp_path: Path) -> None:
    """A child, its thread, its own child and that one's thread; and what they start later."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    cpus = sorted(os.sched_getaffinity(0))
    child = Child([sys.executable, str(program)], log=tmp_path / "log", cwd=tmp_path, environment={})
    try:
        assert wait_for(lambda: len(affinities(child.pid)) == 4, 10)
        assert set(affinities(child.pid)) == {tuple(cpus)}
        child.place(cpus[-1:])
        assert affinities(child.pid) == [(cpus[-1],)] * 4
    finally:
        child.kill()
    child.place(cpus)  # it has ended: nothing to place, no error


@pytest.mark.parametrize(
    ("ending", "killed"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", True),
        ("os.kill(os.getpid(), signal.SIGTERM)", True),
        ("os.abort()", False),
        ("sys.exit(3)", False),
        ("", False),
    ],
)
def test_a_process_was_killed_or_ended_by_itself(tmp_path: Path, ending: str, *, killed: bool) -> None:
    """A crash's signals are its own."""
    program = f"import os, signal, sys\n{ending}"
    child = Child([sys.executable, "-c", program], log=tmp_path / "log", cwd=tmp_path, environment={})
    assert child.wait(30) is not None
    assert child.was_killed() == killed


@pytest.mark.skipif(sys.platform != "linux", reason="places processes on CPUs")
def test_a_placement_that_is_refused_is_said_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a thread that gets other CPUs than it was given, or an error; the process goes on."""
    cpus = sorted(os.sched_getaffinity(0))
    child = Child([sys.executable, "-c", "input()"], log=tmp_path / "log", cwd=tmp_path, environment={}, cpus=[9999])
    try:
        assert wait_for(lambda: "not placed on CPU 9999" in child.log.read_text(), 10)
        refuse(monkeypatch)
        assert child.place([*cpus, 9999]) is False
    finally:
        child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="places processes on CPUs")
def test_cpus_are_not_shared_out_where_none_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services, load and database then share all of them, which is recorded and said."""
    refuse(monkeypatch)
    assert placement.available_cpus() == ()
    placed = placement.as_it_is(Placement(), database_placed=True, database_movable=False)
    assert placed.as_dict()["unplaced"] == ("service", "load", "database")
    [note] = placement.notes(placed)
    assert "docker run --cap-add SYS_NICE" in note.text


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's seccomp profile does."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refused)


def affinities(pid: int) -> list[tuple[int, ...]]:
    process = psutil.Process(pid)
    threads = [thread.id for one in (process, *process.children(recursive=True)) for thread in one.threads()]
    return [tuple(sorted(os.sched_getaffinity(thread))) for thread in threads]


def test_a_wait_ends_with_the_process(tmp_path: Path) -> None:
    """What will never answer is not waited for; what answers is, and whatever it answered is given."""
    child = Child([sys.executable, "-c", "input()"], log=tmp_path / "log", cwd=tmp_path, environment={})
    assert child.wait(20) == 1  # there is nothing to read
    assert child.wait_until(lambda: False, 60) is None
    running = Child(["sleep", "60"], log=tmp_path / "log", cwd=tmp_path, environment={})
    try:
        assert running.wait_until(lambda: {"nonce": "1"}, 60) == {"nonce": "1"}
        assert running.wait_until(lambda: None, 0.1, 0.01) is None
    finally:
        running.stop()
    assert running.how_it_ended() == "ended with exit code -15 (SIGTERM)"


def test_a_stopped_process_is_not_waited_for(tmp_path: Path) -> None:
    """It cannot end by itself, alone or beside others."""
    child = Child(["sleep", "60"], log=tmp_path / "log", cwd=tmp_path, environment={})
    os.kill(child.pid, signal.SIGSTOP)
    assert wait_for(child.is_stopped, 5)
    child.stop(patience_s=60)
    assert child.exit_code() == -signal.SIGKILL


COUNTING = """
import os, sys, time
if os.fork() == 0:
    while True:
        print(os.getpid(), flush=True)
        time.sleep(0.005)
for line in sys.stdin:
    print("told", line.strip(), flush=True)
"""


ORPHANS = """
import os, time
if os.fork() == 0:
    time.sleep(60)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="makes this process wait for no orphan")
def test_an_orphan_that_nothing_waits_for_is_gone_once_it_has_ended(tmp_path: Path) -> None:
    """As in a container whose first process does not wait for orphans: ending a service takes no longer there."""
    libc, subreaper = ctypes.CDLL(None), 36  # PR_SET_CHILD_SUBREAPER of prctl(2): orphans become ours
    child = Child([sys.executable, "-c", ORPHANS], log=tmp_path / "log", cwd=tmp_path, environment={})
    assert wait_for(lambda: len(psutil.Process(child.pid).children(recursive=True)) == 1, 10)
    [orphan] = psutil.Process(child.pid).children(recursive=True)
    libc.prctl(subreaper, 1)
    try:
        began_s = time.monotonic()
        child.kill()
        assert time.monotonic() - began_s < 1
        assert orphan.status() == psutil.STATUS_ZOMBIE
    finally:
        libc.prctl(subreaper, 0)
        os.waitpid(orphan.pid, 0)


WITHOUT_ITS_FIRST_THREAD = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems end all threads with the first")
def test_a_process_runs_while_any_of_its_threads_does(tmp_path: Path) -> None:
    """A service's threads may hold its port although the first one has ended: the next service would not start."""
    child = Child([sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD], log=tmp_path / "log", cwd=tmp_path, environment={})
    try:
        assert wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, 10)
        assert group_runs(child.pid)
    finally:
        child.kill()
    assert not group_runs(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_frozen_child_does_nothing_until_it_is_let_go(tmp_path: Path) -> None:
    """Nor do the processes that it started; a frozen one is ended like any other."""
    program, log = tmp_path / "program.py", tmp_path / "log"
    program.write_text(COUNTING)
    child = Child([sys.executable, str(program)], log=log, cwd=tmp_path, environment={}, commanded=True)
    try:
        assert wait_for(lambda: log.exists() and log.read_text().count("\n") > 3, 10)
        child.freeze()
        assert child.is_stopped()
        seen = log.read_text()
        time.sleep(0.1)
        assert log.read_text() == seen
        child.tell("go on")
        child.thaw()
        assert wait_for(lambda: "told go on" in log.read_text(), 5)
        assert wait_for(lambda: len(log.read_text()) > len(seen) + 20, 5)
        child.freeze()
    finally:
        child.stop()
    assert child.exit_code() == -signal.SIGKILL
    child.freeze()  # it has ended: nothing to stop, no error
    child.tell("anything")
