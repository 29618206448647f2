"""What processes and CPUs have used, read from the kernel now and then while a cell is measured.

All figures of a reading are cumulative; what a window used is the difference between its two ends, on a straight line
between the readings around them.
"""

import os
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

EVERY_S = 0.5
STRANGERS = "strangers"
KERNEL_THREADS_PARENT = 2
PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process now. `cpu_s` counts what it used itself, `reaped_s` what its ended children had used."""

    pid: int
    parent: int
    name: str
    started: float
    cpu_s: float
    reaped_s: float
    rss_bytes: int
    stopped: bool = False


@dataclass(frozen=True)
class Cpu:
    """One CPU since the machine's start. `working_s` is user and system time, `interrupts_s` is that of the kernel."""

    working_s: float
    interrupts_s: float
    steal_s: float

    @property
    def busy_s(self) -> float:
        """All time in which nothing else could run on it."""
        return self.working_s + self.interrupts_s + self.steal_s


@dataclass(frozen=True)
class Use:
    """What the processes of one role have used so far, and the memory that they have now."""

    cpu_s: float
    rss_bytes: int
    processes: frozenset[tuple[int, float]]
    stopped: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reading:
    """Everything at one moment (ns, monotonic). `strangers` holds CPU seconds by name and pid, of those that used any.

    `oom_kills` is how many processes the kernel has killed for memory since the machine's start.
    """

    at_ns: int
    roles: Mapping[str, Use]
    strangers: Mapping[str, float]
    cpus: Mapping[int, Cpu]
    wall_ns: int
    boot_ns: int
    throttled_s: float
    oom_kills: int = 0


def read(roots: Mapping[int, str], harness: int) -> Reading:
    """Look now. `roots` names the role of a process and of all its descendants that are no root themselves."""
    at_ns = time.perf_counter_ns()
    wall_ns, boot_ns = time.time_ns(), _boot_ns()
    everybody = processes()
    members: dict[str, list[Process]] = {role: [] for role in roots.values()}
    strangers: dict[str, float] = {}
    for process in everybody.values():
        root = _root_of(process, everybody, roots)
        if root is not None:
            members[roots[root]].append(process)
        elif KERNEL_THREADS_PARENT not in {process.parent, process.pid}:
            strangers[f"{process.name} (pid {process.pid})"] = process.cpu_s + process.reaped_s
    roles = {role: _use(found, harness) for role, found in members.items() if found}
    return Reading(at_ns, roles, strangers, cpus(), wall_ns, boot_ns, throttled_s(), oom_kills())


def _use(found: Sequence[Process], harness: int) -> Use:
    # The harness's ended children had roles of their own.
    cpu_s = sum(one.cpu_s + (one.reaped_s if one.pid != harness else 0.0) for one in found)
    shared = _shared_bytes(found) if len(found) > 2 else {}
    alone = sum(one.rss_bytes - shared.get(one.pid, 0) for one in found)
    rss_bytes = alone + max(shared.values(), default=0)
    stopped = frozenset(one.pid for one in found if one.stopped)
    return Use(cpu_s, rss_bytes, frozenset((one.pid, one.started) for one in found), stopped)


def _root_of(process: Process, everybody: Mapping[int, Process], roots: Mapping[int, str]) -> int | None:
    """The nearest ancestor that is a root, the process itself included."""
    one: Process | None = process
    while one is not None:
        if one.pid in roots:
            return one.pid
        one = everybody.get(one.parent)
    return None


def processes() -> dict[int, Process]:
    """All that can be seen. On Linux one small file each, since psutil takes several times as long."""
    if sys.platform != "linux":
        return {one.pid: one for one in map(_process, psutil.process_iter()) if one is not None}
    found = {}
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text(errors="replace")
            except OSError:  # it has just ended
                continue
            found[int(folder.name)] = parse_stat(text, ticks, page)
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


def _shared_bytes(found: Iterable[Process]) -> dict[int, int]:
    """Memory of processes that others may share: PostgreSQL's buffers would count once for each backend."""
    shared = {}
    for process in found:
        try:
            pages = (PROC / str(process.pid) / "statm").read_text().split()[2]
            shared[process.pid] = int(pages) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return shared


def cpus() -> dict[int, Cpu]:
    """All CPUs, by number."""
    return {
        number: Cpu(
            working_s=times.user + getattr(times, "nice", 0.0) + times.system,
            interrupts_s=getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0),
            steal_s=getattr(times, "steal", 0.0),
        )
        for number, times in enumerate(psutil.cpu_times(percpu=True))
    }


def throttled_s() -> float:
    """How long this process's control group has been kept from running, because of a CPU limit; 0 where unknown."""
    for path in _control_group_files():
        try:
            facts = dict(line.split(maxsplit=1) for line in path.read_text().splitlines() if " " in line)
        except OSError:
            continue
        if "throttled_usec" in facts:
            return int(facts["throttled_usec"]) / 1e6
        if "throttled_time" in facts:
            return int(facts["throttled_time"]) / 1e9
    return 0.0


def oom_kills() -> int:
    """How many processes the kernel has killed for lack of memory, on the whole machine; 0 where it does not say."""
    try:
        lines = (PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _control_group_files() -> list[Path]:
    try:
        groups = [line.split(":", 2) for line in (PROC / "self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    own = [path for _, kinds, path in groups if not kinds or "cpu" in kinds.split(",")]
    mounts = ("/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct")
    return [Path(f"{mount}{path}/cpu.stat".replace("//", "/")) for path in own for mount in mounts]


def _boot_ns() -> int:
    """A clock that goes on while the machine is suspended."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic_ns()


class Sampler:
    """Readings through one cell."""

    def __init__(self, roots: Mapping[int, str]) -> None:
        """Look once now; `roots` names the role of each process that we started, and of this one."""
        self._roots = dict(roots)
        self.readings: list[Reading] = []
        self._before: Mapping[str, float] = {}
        self.look()

    def watch(self, pid: int, role: str) -> None:
        """From now on one more."""
        self._roots[pid] = role

    def look(self) -> None:
        """Read now."""
        now = read(self._roots, os.getpid())
        if not self.readings:
            self._before = now.strangers
        self.readings.append(self._lean(now))

    def _lean(self, now: Reading) -> Reading:
        """Without what says nothing new, since a long cell has thousands of readings.

        That is strangers that have used nothing since the first one, and sets of processes that are as they were.
        """
        before = self._before
        strangers = {
            sys.intern(name): used - before.get(name, 0.0)
            for name, used in now.strangers.items()
            if used > before.get(name, 0.0)
        }
        last = self.readings[-1].roles if self.readings else {}
        roles = {
            role: replace(use, processes=last[role].processes)
            if role in last and last[role].processes == use.processes
            else use
            for role, use in now.roles.items()
        }
        return replace(now, strangers=strangers, roles=roles)

    def tick(self) -> None:
        """Read if the last reading is old enough."""
        if time.perf_counter_ns() - self.readings[-1].at_ns >= EVERY_S * 1e9:
            self.look()


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
    figures["strangers"] = sum(reading.strangers.values())
    for number, cpu in reading.cpus.items():
        figures[f"working {number}"] = cpu.working_s
        figures[f"busy {number}"] = cpu.busy_s
        figures[f"steal {number}"] = cpu.steal_s
    return figures


def interpolated(series: Sequence[tuple[int, float]], at_ns: int) -> float:
    """A figure at a moment (ns), on straight lines through its readings; beyond them the nearest line goes on."""
    after = min(max(bisect_left([when_ns for when_ns, _ in series], at_ns), 1), len(series) - 1)
    (before_ns, low), (later_ns, high) = series[after - 1 : after + 1]
    return low + (high - low) * (at_ns - before_ns) / (later_ns - before_ns)
