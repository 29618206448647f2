"""Converts the monotonic clocks of several processes to one."""

import time
from functools import cache
from pathlib import Path
from typing import TypedDict

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ClockReading(TypedDict):
    """Both clocks of a process at one moment, and an id of the machine (empty if unknown)."""

    monotonic_ns: int
    wall_ns: int
    boot: str


@cache
def boot() -> str:
    """An id of the machine since its last start. Processes with the same id share the monotonic clock."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def reading() -> ClockReading:
    """The clocks of this process now."""
    return {"monotonic_ns": time.perf_counter_ns(), "wall_ns": time.time_ns(), "boot": boot()}


def offset_ns(theirs: ClockReading, ours: ClockReading | None = None) -> int:
    """The offset from monotonic times of another process to the clock of this process.

    It is zero on one machine. Between machines it is computed from the wall clocks, and is only as exact as they are.
    """
    ours = ours or reading()
    if theirs["boot"] and theirs["boot"] == ours["boot"]:
        return 0
    return (theirs["wall_ns"] - theirs["monotonic_ns"]) - (ours["wall_ns"] - ours["monotonic_ns"])
