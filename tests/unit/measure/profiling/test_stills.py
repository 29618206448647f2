"""Looks at a real process with many threads, of which one works at a time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.measure.profiling import stills, urgent

# Twelve threads hand a token round: each works for a tenth of a millisecond, then the next one.
RING = """
import threading, time
def worker(mine, next_one):
    while True:
        mine.acquire()
        until = time.perf_counter_ns() + 100_000
        while time.perf_counter_ns() < until:
            pass
        next_one.release()
locks = [threading.Semaphore(0) for _ in range(12)]
for one, other in zip(locks, locks[1:] + locks[:1]):
    threading.Thread(target=worker, args=(one, other), daemon=True).start()
locks[0].release()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def ring() -> Iterator[int]:
    """The pid of such a process, frozen, on the last of our CPUs."""
    with subprocess.Popen([sys.executable, "-c", RING], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.sched_setaffinity(process.pid, CPUS)
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), CPUS)
        yield process.pid
        process.kill()


CPUS = sorted(os.sched_getaffinity(0))[-1:]


def test_it_sees_the_thread_that_works(ring: int, tmp_path: Path) -> None:
    """Almost every look finds one, in its function. The threads that wait are no samples.

    Where no real-time policy is allowed, too few looks may find one, and that is said.
    """
    found = stills.look(
        ring, 2, CPUS, lambda: os.kill(ring, signal.SIGCONT), lambda: os.kill(ring, signal.SIGSTOP), tmp_path
    )
    with urgent.before_others() as first:
        assert first or not found.problem or "without a real-time policy" in found.problem
    if found.problem:
        return
    assert found.lost == 0
    seen = sum(found.stacks.values())
    assert 0.5 * 2 * stills.PER_S < seen <= 2 * stills.PER_S
    working = sum(count for stack, count in found.stacks.items() if "worker (<string>)" in stack)
    assert working > 0.9 * seen
    assert stills.many_threads(ring)
    assert (tmp_path / "stacks.txt").read_text()


def test_a_process_that_has_ended_is_no_traceback(tmp_path: Path) -> None:
    """What went wrong is the reason."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert not stills.many_threads(process.pid)
    found = stills.look(process.pid, 1, CPUS, lambda: None, lambda: None, tmp_path)
    assert found.problem.startswith("py-spy saw nothing: ")


def test_this_thread_comes_before_others_only_for_a_while() -> None:
    """As root by a real-time policy, else by a short slice, where the kernel has one."""
    before = os.sched_getscheduler(0)
    with urgent.before_others() as first:
        assert first in {True, False}
        assert (os.sched_getscheduler(0) == os.SCHED_FIFO) <= first
    assert os.sched_getscheduler(0) == before
