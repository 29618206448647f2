"""Child processes: all of their threads stay on the CPUs they are given."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.processes import Child
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


def affinities(pid: int) -> list[tuple[int, ...]]:
    process = psutil.Process(pid)
    threads = [thread.id for one in (process, *process.children(recursive=True)) for thread in one.threads()]
    return [tuple(sorted(os.sched_getaffinity(thread))) for thread in threads]
