"""Reads the kernel's counters of processes, CPUs and control groups. All figures are cumulative."""

import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.analysis.recorded.counters import Cpu, Process

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
TICKS = os.sysconf("SC_CLK_TCK")


def processes() -> dict[int, Process]:
    """All visible processes. On Linux, one small file is read for each, because psutil takes several times as long."""
    if sys.platform != "linux":
        return {one.pid: one for one in map(_process, psutil.process_iter()) if one is not None}
    found = {}
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        names = os.listdir(PROC)  # noqa: PTH208  # a third of the time of its Path, twice a second
    except OSError:
        return {}
    for name in names:
        if name.isdigit():
            try:
                file = os.open(f"{PROC}/{name}/stat", os.O_RDONLY)
                try:
                    text = os.read(file, 4096).decode(errors="replace")
                finally:
                    os.close(file)
            except OSError:  # it has just ended
                continue
            found[int(name)] = parse_stat(text, TICKS, page)
    return found


def parse_stat(text: str, ticks: int, page: int) -> Process:
    """A line of /proc/PID/stat. See proc_pid_stat(5); a name may hold spaces and brackets."""
    pid, _, rest = text.partition(" (")
    name, _, fields = rest.rpartition(") ")
    values = fields.split()
    user, system, children_user, children_system = (int(value) / ticks for value in values[11:15])
    return Process(
        pid=int(pid),
        parent=int(values[1]),
        name=name,
        started=int(values[19]) / ticks,
        cpu_s=user + system,
        reaped_s=children_user + children_system,
        rss_bytes=int(values[21]) * page,
        stopped=values[0] in {"T", "t"},
        cpu=int(values[36]),
        system_s=system,
    )


def _process(one: psutil.Process) -> Process | None:
    try:
        with one.oneshot():
            times = one.cpu_times()
            reaped_s = times.children_user + times.children_system
            rss = one.memory_info().rss
            return Process(one.pid, one.ppid(), one.name(), one.create_time(), times.user + times.system, reaped_s, rss)
    except psutil.Error:
        return None


def shared_bytes(found: Iterable[Process]) -> dict[int, int]:
    """Memory that each process shares with others: PostgreSQL's buffers would otherwise count once for each backend."""
    shared = {}
    for process in found:
        try:
            pages = (PROC / str(process.pid) / "statm").read_text().split()[2]
            shared[process.pid] = int(pages) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return shared


def cpus() -> dict[int, Cpu]:
    """All active CPUs, by number. Empty where the system does not show them."""
    if sys.platform != "linux":
        return {
            number: Cpu(times.user + getattr(times, "nice", 0.0) + times.system, 0.0, 0.0)
            for number, times in enumerate(psutil.cpu_times(percpu=True))
        }
    try:
        lines = (PROC / "stat").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for name, *counts in (line.split() for line in lines if re.match(r"cpu\d", line)):
        user, nice, system, _, _, irq, softirq, steal = (int(count) / TICKS for count in counts[:8])
        found[int(name.removeprefix("cpu"))] = Cpu(user + nice + system, irq + softirq, steal)
    return found


def throttled_s() -> dict[Path, float] | None:
    """How long a CPU limit has kept each control group from running, from our own group up to the topmost in sight.

    A group without a limit is not named. None where no group can be read.
    """
    groups = control_groups()
    known, found = False, dict[Path, float]()
    for group in groups:
        try:
            lines = (group / "cpu.stat").read_text().splitlines()
        except OSError:
            continue
        known, facts = True, dict(line.split(maxsplit=1) for line in lines if " " in line)
        if "throttled_usec" in facts:
            found[group] = int(facts["throttled_usec"]) / 1e6
        elif "throttled_time" in facts:
            found[group] = int(facts["throttled_time"]) / 1e9
    return found if known else None


def enclosed() -> bool:
    """Whether the topmost control group in sight lies in another one, as in a container. False where unknown.

    Only the first of all groups has a release_agent (version 1) and no cgroup.type (version 2); see cgroup-v2 in the
    kernel's documentation.
    """
    groups = control_groups()
    if not groups:
        return False
    top = groups[-1]
    if (top / "cgroup.controllers").exists():  # version 2
        return (top / "cgroup.type").exists()
    return not (top / "release_agent").exists()


def oom_kills() -> int:
    """How many processes of this machine the kernel has killed for lack of memory. 0 where unknown."""
    try:
        lines = (PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def control_groups() -> list[Path]:
    """The folders of our control group and of all above it in sight, innermost first; empty where there are none.

    They are those of the hierarchy that limits CPUs: of version 1 where that has one, else of version 2.
    """
    try:
        lines = [line.split(":", 2) for line in (PROC / "self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    first = [(path, mount) for _, kinds, path in lines if "cpu" in kinds.split(",") for mount in ("cpu", "cpu,cpuacct")]
    second = [(path, mount) for _, kinds, path in lines if not kinds for mount in (".", "unified")]
    for path, mount in (*first, *second):
        root = GROUPS / mount
        if (root / "cpu.stat").exists():
            own = Path(path.lstrip("/"))
            # A path that leads out of the mount is of a group that cannot be seen from here.
            return [root / one for one in (own, *own.parents)] if ".." not in own.parts else [root]
    return []


def boot_ns() -> int:
    """The time of a clock that also runs while the machine is suspended."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic_ns()
