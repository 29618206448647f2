"""Lets this thread have its CPU as soon as it wakes, and stops all threads of a process at once.

Linux otherwise lets a thread run on until its slice ends or it waits for something. A service of many threads waits
every fraction of a millisecond. So a thread that wakes beside it would mostly see it begin to wait.
"""

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

PRIORITY = 1  # of the real-time policy: above all that has none
SLICE_NS = 100_000  # the shortest that Linux gives
NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Of the system calls sched_setattr and sched_getattr, which the C library does not have."""
TGKILL = {"x86_64": 234, "aarch64": 131}
ATTRIBUTES = "=IIQiIQQQ"  # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
SIZE = struct.calcsize(ATTRIBUTES)


@contextmanager
def before_others() -> Iterator[bool]:
    """With a real-time policy, where that is allowed: gives True. Else a short slice (Linux 6.12), which helps less."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        with _short_slice():
            yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, policy, parameters)


@contextmanager
def _short_slice() -> Iterator[bool]:
    numbers = NUMBERS.get(platform.machine())
    if numbers is None:
        yield False
        return
    call = ctypes.CDLL(None, use_errno=True).syscall
    before = ctypes.create_string_buffer(SIZE)
    known = call(numbers[1], 0, before, SIZE, 0) == 0
    if not known:
        yield False
        return
    size, policy, flags, nice, priority, _, deadline, period = struct.unpack(ATTRIBUTES, before.raw)
    short = struct.pack(ATTRIBUTES, size or SIZE, policy, flags, nice, priority, SLICE_NS, deadline, period)
    done = call(numbers[0], 0, ctypes.create_string_buffer(short, SIZE), 0) == 0
    try:
        yield done
    finally:
        if done:
            call(numbers[0], 0, before, 0)


def stop(pid: int, threads: Sequence[int]) -> None:
    """Stop these threads of a process (SIGSTOP), before any of them runs on.

    A signal to the process would wake its first thread, and the others would run until that one has its turn.
    """
    number = TGKILL.get(platform.machine())
    if number is None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        return
    call = ctypes.CDLL(None).syscall
    for thread in threads:
        call(number, pid, thread, signal.SIGSTOP)
