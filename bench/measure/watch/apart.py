"""Keeps the harness itself off the service's CPUs while a cell is measured."""

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")


@contextmanager
def kept_off(cpus: Collection[int]) -> Iterator[None]:
    """Place all threads of this process on the other CPUs that it may use, inside the block.

    Threads and processes that are started in the block begin there, too. Changes nothing where no CPU would be left,
    where there are no CPUs to keep off, and where the system does not allow it.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    others = before - set(cpus)
    if not others or others == before:
        yield
        return
    _place_all(others)
    try:
        yield
    finally:
        _place_all(before)


def _place_all(cpus: set[int]) -> None:
    for thread in list(THREADS.iterdir()):
        with suppress(OSError):  # it has ended, or it is not allowed
            os.sched_setaffinity(int(thread.name), cpus)
