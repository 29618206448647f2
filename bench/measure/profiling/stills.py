"""Looks at a service with many threads: it is frozen at moments drawn at random, and py-spy reads its stacks.

To stop threads one after another and wait for each, as `py-spy record` does, lets the others run on, mostly into system
calls. Here, all of them have the signal before any of them runs again: it comes from the service's own CPU.
"""

import json
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.analysis.profiling import stacks
from bench.measure.profiling import urgent
from bench.measure.profiling.spy import PROGRAM, StacksSeen, problem, tasks
from bench.measure.watch.kernel import PROC, TICKS, parse_stat
from suite import waiting

PER_S = 40
"""So many looks for each second of `rounds.profile_s`."""
RUNS_S = (0.015, 0.045)  # between two looks
STOPPED_AFTER_S = 2.0
DUMP_TIMEOUT_S = 20.0
FEWEST_THREADS = 5  # from which on they are looked at like this
FEWEST_WORKING = 0.5
NO_REAL_TIME = (
    "without a real-time policy, the profiler mostly sees threads begin to wait; run as root, or with CAP_SYS_NICE"
    " (in a container: --cap-add SYS_NICE)"
)
IN_USER_MODE = "-1"  # in place of a system call's number; see proc_pid_syscall(5)
INTERPRETER = ("libpython", "python3", "libc.so", "libc-2", "libm.so", "ld-linux", "[vdso]")


def many_threads(pid: int) -> bool:
    """Whether a process has so many threads that it is looked at like this."""
    return len(tasks(pid)) >= FEWEST_THREADS


def look(
    pid: int, seconds: int, cpus: Sequence[int], thaw: Callable[[], None], freeze: Callable[[], None], folder: Path
) -> StacksSeen:
    """Look at a frozen process after each of many short stretches in which it ran. It is frozen afterwards.

    Each sample is a thread in user mode. `stacks.txt` in `folder` has them as collapsed stacks.
    """
    seen, lost, said, first = Counter[str](), 0, "", False
    usual = os.sched_getaffinity(0)
    for _ in range(seconds * PER_S):
        threads = [int(task.name) for task in tasks(pid)]
        if not threads:
            return StacksSeen({}, lost, problem("", "the service has ended"))
        thaw()
        try:
            if cpus:
                os.sched_setaffinity(0, cpus)
            with urgent.before_others() as first:
                time.sleep(random.uniform(*RUNS_S))  # noqa: S311  # no secret
                urgent.stop(pid, threads)
            freeze()
        finally:
            os.sched_setaffinity(0, usual)
        try:
            waiting.until(lambda: _stand_still(pid), STOPPED_AFTER_S, 0.0005)
            working = _in_user_mode(pid)
            if working:
                seen.update(_stacks(pid, working))
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            lost, said = lost + 1, str(getattr(error, "stderr", "") or error)
    looks, found = seconds * PER_S, sum(seen.values())
    if not first and 0 < found < FEWEST_WORKING * looks:
        return StacksSeen({}, lost, f"only {found} of {looks} looks saw a thread at work: {NO_REAL_TIME}")
    if seen:
        (folder / "stacks.txt").write_text(stacks.text_of(seen))
        return StacksSeen(dict(seen), lost)
    return StacksSeen({}, lost, problem(said, said.strip().splitlines()[0] if said.strip() else ""))


def _stand_still(pid: int) -> bool:
    return all(parse_stat(text, TICKS, page=0).stopped for task in tasks(pid) if (text := _of_thread(task, "stat")))


def _in_user_mode(pid: int) -> dict[int, int]:
    """The threads that run no system call, and where in the memory they are. Raises OSError where that is forbidden."""
    found = {}
    for task in tasks(pid):
        number, *_, place = [*_of_thread(task, "syscall").split(), "0"][:3] or ["", "0"]
        if number == IN_USER_MODE:
            found[int(task.name)] = int(place, 16)
    return found


def _of_thread(task: Path, name: str) -> str:
    try:
        return (task / name).read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return ""


def _stacks(pid: int, working: dict[int, int]) -> Iterator[str]:
    """The collapsed stack of each of these threads, with the library that it is in."""
    command = [str(PROGRAM), "dump", "--nonblocking", "--json", "--pid", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DUMP_TIMEOUT_S)
    libraries = _libraries(pid)
    for thread in json.loads(done.stdout):
        if (place := working.get(int(thread["os_thread_id"]))) is not None:
            library = next((path for start, end, path in libraries if start <= place < end), "")
            yield _stack(thread["frames"], library)


def _stack(frames: Sequence[dict[str, Any]], library: str) -> str:
    every = [f"{one['name']} ({one['filename']})" for one in reversed(frames)]
    if library and not Path(library).name.startswith(INTERPRETER):
        every.append(f"machine code ({library})")
    return ";".join(map(stacks.portable, every))


def _libraries(pid: int) -> list[tuple[int, int, str]]:
    """Where machine code lies in a process's memory: from, to, file."""
    found = []
    for line in (PROC / str(pid) / "maps").read_text().splitlines():
        places, rights, *rest = line.split(maxsplit=5)
        if "x" in rights and len(rest) == 4:  # its last field is the file
            start, _, end = places.partition("-")
            found.append((int(start, 16), int(end, 16), rest[3]))
    return found
