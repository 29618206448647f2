"""Which processes belong to which harness, and whether any of a group still runs."""

import os
import sys
from functools import cache
from pathlib import Path

import psutil

from suite import catalogue

# A variable of every process that a harness starts. It names the harness's process and checkout.
MARK = "BENCH_HARNESS"


@cache
def mark() -> str:
    """The mark of this process: its pid, its start time, and the checkout whose code it runs."""
    return f"{os.getpid()} {start_time(os.getpid())} {catalogue.CHECKOUT}"


def start_time(pid: int) -> str:
    """The start time of a process, in a count that setting the clock does not change. "" if there is no process."""
    try:
        if sys.platform != "linux":
            return str(psutil.Process(pid).create_time())
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()[19]
    except (OSError, psutil.Error):
        return ""


def group_runs(group: int) -> bool:
    """Whether a process of a group still runs.

    One that has ended and that nothing waits for does not: not every first process of a container waits for orphans.
    The kernel calls a process so as soon as its first thread has ended; its other threads may hold the port still.
    """
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS raises the latter for a group whose members have all ended
        return False
    return any(_runs_in(group, pid) for pid in psutil.pids())


def _runs_in(group: int, pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return os.getpgid(pid) == group and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except (OSError, psutil.Error):
        return False
