"""Readings of what processes and CPUs have used, and what they say of a window.

All figures of a reading are cumulative. What a window used is the difference between its two ends, on a straight line
between the readings around them.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.recorded.counters import Cpu
from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.windows import Window


@dataclass(frozen=True)
class Use:
    """What the processes of one role have used so far, and the memory that they have now.

    `by_process` is what each process of the service used itself, by pid (s); empty for other roles. `system_s` is the
    part of `cpu_s` in the kernel; None for other roles, and where it is not known.
    """

    cpu_s: float
    rss_bytes: int
    processes: frozenset[tuple[int, float]]
    stopped: frozenset[int] = frozenset()
    by_process: Mapping[int, float] = field(default_factory=dict, hash=False)
    system_s: float | None = None


@dataclass(frozen=True)
class Reading:
    """Everything at one moment (ns, monotonic).

    `strangers` holds by name and pid what those that were seen have used since the reading before (s), without what
    their ended children had; `strangers_s` is the sum since the first reading, None where the system shows too little.
    `kernel` has the time of the kernel's own threads since then, by the CPU that they ran on.
    `ran_on` is the CPU that each of `strangers` ran on last. `seen_on` has what was seen of some roles and of STRANGERS
    since the first reading, by the CPU that each process ran on last.
    `throttled_s` is how long a CPU limit held our control group up since then; None where that cannot be read.
    `enclosed`: groups around ours may have limits, and cannot be seen from inside a container.
    `oom_kills` is how many processes the kernel has killed for memory since the machine's start.
    """

    at_ns: int
    roles: Mapping[str, Use]
    strangers: Mapping[str, float]
    strangers_s: float | None
    kernel: Mapping[int, float]
    cpus: Mapping[int, Cpu]
    wall_ns: int
    boot_ns: int
    throttled_s: float | None
    oom_kills: int = 0
    ran_on: Mapping[str, int] = field(default_factory=dict, hash=False)
    seen_on: Mapping[str, Mapping[int, float]] = field(default_factory=dict, hash=False)
    enclosed: bool = False


def grown(readings: Sequence[Reading], start_ns: int, end_ns: int) -> dict[str, float]:
    """How much every cumulative figure grew from one moment to another, on straight lines between its readings.

    A role is read only while it has processes: Locust may end soon after a window, and the line to its last reading is
    then continued to the window's end.
    """
    known: dict[str, list[tuple[int, float]]] = {}
    for reading in readings:
        for name, figure in _figures(reading).items():
            known.setdefault(name, []).append((reading.at_ns, figure))
    return {
        name: interpolated(series, end_ns) - interpolated(series, start_ns)
        for name, series in known.items()
        if len(series) > 1
    }


def _figures(reading: Reading) -> dict[str, float]:
    """All that is cumulative, in seconds, by name."""
    figures = {f"cpu {role}": use.cpu_s for role, use in reading.roles.items()}
    if reading.strangers_s is not None:
        figures["strangers"] = reading.strangers_s
    figures |= {f"kernel {number}": used_s for number, used_s in reading.kernel.items()}
    figures |= {f"system {role}": use.system_s for role, use in reading.roles.items() if use.system_s is not None}
    for use in reading.roles.values():
        figures |= {f"process {pid}": used_s for pid, used_s in use.by_process.items()}
    for who, by_cpu in reading.seen_on.items():
        figures |= {f"{who} on {number}": used_s for number, used_s in by_cpu.items()}
    for number, cpu in reading.cpus.items():
        figures[f"working {number}"] = cpu.working_s
        figures[f"interrupts {number}"] = cpu.interrupts_s
        figures[f"busy {number}"] = cpu.busy_s
        figures[f"steal {number}"] = cpu.steal_s
    return figures


def interpolated(series: Sequence[tuple[int, float]], at_ns: int) -> float:
    """A figure at a moment (ns), on straight lines through its readings; beyond them the nearest line goes on."""
    after = min(max(bisect_left([when_ns for when_ns, _ in series], at_ns), 1), len(series) - 1)
    (before_ns, low), (later_ns, high) = series[after - 1 : after + 1]
    return low + (high - low) * (at_ns - before_ns) / (later_ns - before_ns)


def resources_csv(readings: Sequence[Reading], gauges: Sequence[Gauge], window: Window) -> str:
    """All readings as CSV: seconds from the window's start, what was read, and its figures; empty where it has none.

    CPU seconds are cumulative, those of strangers since the first reading and of those that were seen. A `cpu N` row is
    one CPU's busy time; pool and threads are shares in use.
    """
    rows: list[tuple[float, str, dict[str, float]]] = []
    for one in readings:
        at_s = (one.at_ns - window.start_ns) / 1e9
        rows += [(at_s, role, {"cpu_s": use.cpu_s, "rss_mb": use.rss_bytes / 1e6}) for role, use in one.roles.items()]
        if one.strangers_s is not None:
            rows.append((at_s, "strangers", {"cpu_s": one.strangers_s}))
        for number, cpu in one.cpus.items():
            rows.append((at_s, f"cpu {number}", {"cpu_s": cpu.busy_s, "steal_s": cpu.steal_s}))
    for gauge in gauges:
        shares = {"pool": gauge.pool, "threads": gauge.threads}
        known = {name: share for name, share in shares.items() if share is not None}
        rows.append(((gauge.at_ns - window.start_ns) / 1e9, "gauges", known))
    columns = ("cpu_s", "steal_s", "rss_mb", "pool", "threads")
    lines = [",".join(("at_s", "subject", *columns))]
    for at_s, subject, figures in sorted(rows, key=lambda row: row[0]):
        values = (f"{figures[name]:.6g}" if name in figures else "" for name in columns)
        lines.append(",".join((f"{at_s:.3f}", subject, *values)))
    return "\n".join(lines) + "\n"
