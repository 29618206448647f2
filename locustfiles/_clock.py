"""Monotonic clocks of several processes, brought to one."""

import time
from functools import cache
from pathlib import Path
from typing import TypedDict

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ClockReading(TypedDict):
    """Both clocks of a process at one moment, and which machine's they are (empty: not known)."""

    monotonic_ns: int
    wall_ns: int
    boot: str


@cache
def boot() -> str:
    """Identifies the machine since its last start; processes with the same one share the monotonic clock."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def reading() -> ClockReading:
    """This process's clocks now."""
    return {"monotonic_ns": time.perf_counter_ns(), "wall_ns": time.time_ns(), "boot": boot()}


def offset_ns(theirs: ClockReading, ours: ClockReading | None = None) -> int:
    """What to add to monotonic times of another process to have them on this process's clock.

    Zero on one machine. Between machines it goes by the wall clocks, and is as good as these agree.
    """
    ours = ours or reading()
    if theirs["boot"] and theirs["boot"] == ours["boot"]:
        return 0
    return (theirs["wall_ns"] - theirs["monotonic_ns"]) - (ours["wall_ns"] - ours["monotonic_ns"])
