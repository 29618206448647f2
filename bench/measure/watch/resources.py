"""Reads twice a second from the kernel what processes and CPUs have used, while a cell is measured."""

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bench.analysis.recorded.counters import Cpu, Process
from bench.analysis.recorded.readings import Reading, Use
from bench.measure.watch import kernel
from bench.plan import placement

EVERY_S = 0.5


def _use(found: Sequence[Process], harness: int) -> Use:
    # The ended children of the harness had their own roles.
    cpu_s = sum(one.cpu_s + (one.reaped_s if one.pid != harness else 0.0) for one in found)
    shared = kernel.shared_bytes(found) if len(found) > 2 else {}
    alone = sum(one.rss_bytes - shared.get(one.pid, 0) for one in found)
    rss_bytes = alone + max(shared.values(), default=0)
    stopped = frozenset(one.pid for one in found if one.stopped)
    return Use(cpu_s, rss_bytes, frozenset((one.pid, one.started) for one in found), stopped)


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

    def __init__(self, roots: Mapping[int, str]) -> None:
        """Read once now. `roots` has the role of this process and of each process that we started, by pid.

        Descendants have the role of their nearest root.
        """
        self._roots = dict(roots)
        self._roots_started: dict[int, float] = {}
        self.readings: list[Reading] = []
        self._used_s: Mapping[tuple[int, float], float] = {}
        self._strangers_s = 0.0
        self._kernel = dict.fromkeys(_our_cpus(), 0.0)
        self.look()

    def watch(self, pid: int, role: str) -> None:
        """Read one more root from now on."""
        self._roots[pid] = role

    def look(self) -> None:
        """Read now."""
        at_ns = time.perf_counter_ns()
        wall_ns, boot_ns, cpus = time.time_ns(), kernel.boot_ns(), _our_cpus()
        processes = kernel.processes()
        roots = self._living_roots(processes)
        new_s = self._new_s(processes)
        members: dict[str, list[Process]] = {role: [] for role in roots.values()}
        strangers: dict[str, float] = {}
        for process in processes.values():
            root = _root_of(process, processes, roots)
            used_s = new_s.get(process.identity, 0.0)
            if root is not None:
                members[roots[root]].append(process)
            elif process.of_the_kernel:
                if process.cpu in self._kernel:
                    self._kernel[process.cpu] += used_s
            elif used_s:
                strangers[sys.intern(f"{process.name} (pid {process.pid})")] = used_s
        self._strangers_s += sum(strangers.values())
        roles = {role: _use(found, os.getpid()) for role, found in members.items() if found}
        self.readings.append(
            Reading(
                at_ns=at_ns,
                roles=self._lean(roles),
                strangers=strangers,
                strangers_s=self._strangers_s if sys.platform == "linux" else None,
                kernel=dict(self._kernel),
                cpus=cpus,
                wall_ns=wall_ns,
                boot_ns=boot_ns,
                throttled_s=kernel.throttled_s(),
                oom_kills=kernel.oom_kills(),
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

    def _lean(self, roles: Mapping[str, Use]) -> dict[str, Use]:
        """Share equal sets of processes between readings, because a long cell has thousands of readings."""
        last = self.readings[-1].roles if self.readings else {}
        return {
            role: replace(use, processes=last[role].processes)
            if role in last and last[role].processes == use.processes
            else use
            for role, use in roles.items()
        }

    def tick(self) -> None:
        """Read if the last reading is old enough."""
        if time.perf_counter_ns() - self.readings[-1].at_ns >= EVERY_S * 1e9:
            self.look()


def _our_cpus() -> dict[int, Cpu]:
    """The CPUs that this process and its children may use."""
    found = kernel.cpus()
    return {number: found[number] for number in placement.allowed_cpus() if number in found} or found
