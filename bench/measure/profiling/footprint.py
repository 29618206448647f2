"""How much memory processes have, as the kernel says."""

import sys
from collections.abc import Iterable
from contextlib import suppress

import psutil

KIND = "PSS" if sys.platform == "linux" else "RSS"
"""What is read. PSS shares out memory among all processes that have it; RSS counts it in each of them."""
MB = 1e6


def of_processes(pids: Iterable[int]) -> float | None:
    """The memory of these processes together, in MB, without those that have ended. None if one may not be read."""
    total = 0
    for pid in pids:
        try:
            with suppress(psutil.NoSuchProcess):
                total += of_process(psutil.Process(pid))
        except psutil.AccessDenied:
            return None
    return total / MB


def of_process(process: psutil.Process) -> int:
    """The memory of one process, in bytes: its PSS, or its RSS where the kernel gives no PSS. Raises psutil.Error."""
    info = process.memory_full_info()
    return int(getattr(info, "pss", info.rss))
