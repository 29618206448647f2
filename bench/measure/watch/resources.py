"""Reads twice a second from the kernel what processes and CPUs have used, while a cell is measured."""

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.analysis.recorded.counters import Cpu, Process
from bench.analysis.recorded.readings import Reading, Use
from bench.analysis.recorded.roles import HARNESS, IDLE, SERVICE, STRANGERS
from bench.measure.watch import kernel
from bench.plan import placement

EVERY_S = 0.5
BY_CPU = (STRANGERS, IDLE, HARNESS)  # who may disturb a CPU that is not theirs


def _use(role: str, found: Sequence[Process], harness: int) -> Use:
    # The ended children of the harness had their own roles.
    cpu_s = sum(one.cpu_s + (one.reaped_s if one.pid != harness else 0.0) for one in found)
    shared = kernel.shared_bytes(found) if len(found) > 2 else {}
    alone = sum(one.rss_bytes - shared.get(one.pid, 0) for one in found)
    rss_bytes = alone + max(shared.values(), default=0)
    stopped = frozenset(one.pid for one in found if one.stopped)
    by_process = {one.pid: one.cpu_s for one in found} if role == SERVICE else {}
    system_s = None if role != SERVICE or any(one.system_s is None for one in found) else _system_s(found)
    return Use(cpu_s, rss_bytes, frozenset((one.pid, one.started) for one in found), stopped, by_process, system_s)


def _system_s(found: Sequence[Process]) -> float:
    return sum(one.system_s or 0.0 for one in found)


def _root_of(process: Process, processes: Mapping[int, Process], roots: Collection[int]) -> int | None:
    """The nearest root among the process and its ancestors."""
    one: Process | None = process
    while one is not None:
        if one.pid in roots:
            return one.pid
        one = processes.get(one.parent)
    return None


class Sampler:
    """Takes the readings of one cell."""

    def __init__(self, roots: Mapping[int, str], cpus: Sequence[int] = ()) -> None:
        """Read once now. `roots` has the role of this process and of each process that we started, by pid.

        Descendants have the role of their nearest root. `cpus` are ours: by default, all that this process may use.
        """
        self._roots = dict(roots)
        self._roots_started: dict[int, float] = {}
        self.readings: list[Reading] = []
        self._used_s: Mapping[tuple[int, float], float] = {}
        self._strangers_s = 0.0
        # Fixed now: while a cell is measured, the harness itself is kept off the service's CPUs.
        self._cpus = tuple(cpus) or placement.allowed_cpus() or tuple(kernel.cpus())
        self._kernel = dict.fromkeys(self._cpus, 0.0)
        self._seen_on = {who: dict.fromkeys(self._cpus, 0.0) for who in BY_CPU}
        self._throttled: Mapping[Path, float] = kernel.throttled_s() or {}
        self._throttled_s = 0.0
        self._enclosed = kernel.enclosed()
        self.look()

    def watch(self, pid: int, role: str) -> None:
        """Read one more root from now on."""
        self._roots[pid] = role

    def look(self) -> None:
        """Read now."""
        at_ns = time.perf_counter_ns()
        wall_ns, boot_ns, cpus = time.time_ns(), kernel.boot_ns(), self._our_cpus()
        processes = kernel.processes()
        roots = self._living_roots(processes)
        new_s = self._new_s(processes)
        members: dict[str, list[Process]] = {role: [] for role in roots.values()}
        strangers, ran_on = dict[str, float](), dict[str, int]()
        for process in processes.values():
            root = _root_of(process, processes, roots)
            used_s = new_s.get(process.identity, 0.0)
            role = STRANGERS if root is None else roots[root]
            if root is not None:
                members[role].append(process)
            elif process.of_the_kernel:
                if process.cpu in self._kernel:
                    self._kernel[process.cpu] += used_s
                continue
            elif used_s:
                name = sys.intern(f"{process.name} (pid {process.pid})")
                strangers[name] = used_s
                if process.cpu is not None:
                    ran_on[name] = process.cpu
            if used_s and role in self._seen_on and process.cpu in self._seen_on[role]:
                self._seen_on[role][process.cpu] += used_s
        self._strangers_s += sum(strangers.values())
        used = {role: _use(role, found, os.getpid()) for role, found in members.items() if found}
        self.readings.append(
            Reading(
                at_ns=at_ns,
                roles=self._lean(used),
                strangers=strangers,
                strangers_s=self._strangers_s if sys.platform == "linux" else None,
                kernel=dict(self._kernel),
                cpus=cpus,
                wall_ns=wall_ns,
                boot_ns=boot_ns,
                throttled_s=self._throttled_so_far_s(),
                oom_kills=kernel.oom_kills(),
                ran_on=ran_on,
                seen_on={who: dict(by_cpu) for who, by_cpu in self._seen_on.items()},
                enclosed=self._enclosed,
            )
        )

    def _living_roots(self, processes: Mapping[int, Process]) -> dict[int, str]:
        """The roots that still run, without ended roots whose pids now belong to other processes."""
        found = {pid: processes[pid] for pid in self._roots if pid in processes}
        return {
            pid: self._roots[pid]
            for pid, one in found.items()
            if self._roots_started.setdefault(pid, one.started) == one.started
        }

    def _new_s(self, processes: Mapping[int, Process]) -> dict[tuple[int, float], float]:
        """CPU time that each process has used since the last reading. A new process has used all of its time since.

        Time of ended children is left out: the parent gets it all at once, no matter when the child used it.
        """
        before, self._used_s = self._used_s, {one.identity: one.cpu_s for one in processes.values()}
        if not self.readings:
            return {}
        return {name: cpu_s - before.get(name, 0.0) for name, cpu_s in self._used_s.items()}

    def _throttled_so_far_s(self) -> float | None:
        """Since the first reading: between two readings, as long as the one of our groups that was held up most."""
        now = kernel.throttled_s()
        if now is None:
            return None
        self._throttled_s += max(
            (held_s - self._throttled.get(group, held_s) for group, held_s in now.items()), default=0
        )
        self._throttled = now
        return self._throttled_s

    def _our_cpus(self) -> dict[int, Cpu]:
        """The CPUs that this process and its children may use."""
        found = kernel.cpus()
        return {number: found[number] for number in self._cpus if number in found} or found

    def _lean(self, roles: Mapping[str, Use]) -> dict[str, Use]:
        """Share equal sets of processes between readings, because a long cell has thousands of readings."""
        last = self.readings[-1].roles if self.readings else {}
        return {
            role: replace(use, processes=last[role].processes)
            if role in last and last[role].processes == use.processes
            else use
            for role, use in roles.items()
        }

    def restamp(self, at_ns: int) -> None:
        """Give the last reading the time when the service was let go or frozen: between the two, it stood still."""
        last = self.readings[-1]
        off_ns = at_ns - last.at_ns
        self.readings[-1] = replace(
            last,
            at_ns=at_ns,
            wall_ns=last.wall_ns + off_ns,
            boot_ns=last.boot_ns + off_ns,
            roles={role: replace(use, stopped=frozenset()) for role, use in last.roles.items()},
        )

    def tick(self) -> None:
        """Read if the last reading is old enough."""
        if time.perf_counter_ns() - self.readings[-1].at_ns >= EVERY_S * 1e9:
            self.look()
