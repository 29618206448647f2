"""The CPU limit of a container, which throttles what runs in it."""

import contextlib
from pathlib import Path

from bench.measure.watch import kernel


def cpus() -> float | None:
    """How many CPUs our control group may use, or the strictest of those above it in sight. None without a limit."""
    limits = [limit for group in kernel.control_groups() if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def _limit(group: Path) -> float | None:
    """Version 2 writes "QUOTA PERIOD" into one file, "max" for no limit; version 1 has two files, with -1 for none."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota_us, period_us = (int((group / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return None if quota_us <= 0 else quota_us / period_us
    return None
