"""What processes and CPUs have used, read from the kernel now and then while a cell is measured."""

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
    # The harness's ended children had roles of their own.
    cpu_s = sum(one.cpu_s + (one.reaped_s if one.pid != harness else 0.0) for one in found)
    shared = kernel.shared_bytes(found) if len(found) > 2 else {}
    alone = sum(one.rss_bytes - shared.get(one.pid, 0) for one in found)
    rss_bytes = alone + max(shared.values(), default=0)
    stopped = frozenset(one.pid for one in found if one.stopped)
    return Use(cpu_s, rss_bytes, frozenset((one.pid, one.started) for one in found), stopped)


def _root_of(process: Process, everybody: Mapping[int, Process], roots: Collection[int]) -> int | None:
    """The nearest ancestor that is a root, the process itself included."""
    one: Process | None = process
    while one is not None:
        if one.pid in roots:
            return one.pid
        one = everybody.get(one.parent)
    return None


class Sampler:
    """Readings through one cell."""

    def __init__(self, roots: Mapping[int, str]) -> None:
        """Look once now; `roots` names the role of each process that we started, and of this one.

        The role is that of all its descendants, too, that are no root themselves.
        """
        self._roots = dict(roots)
        self._roots_started: dict[int, float] = {}
        self.readings: list[Reading] = []
        self._used_s: Mapping[tuple[int, float], float] = {}
        self._strangers_s = 0.0
        self._kernel = dict.fromkeys(_our_cpus(), 0.0)
        self.look()

    def watch(self, pid: int, role: str) -> None:
        """From now on one more."""
        self._roots[pid] = role

    def look(self) -> None:
        """Read now."""
        at_ns = time.perf_counter_ns()
        wall_ns, boot_ns, cpus = time.time_ns(), kernel.boot_ns(), _our_cpus()
        everybody = kernel.processes()
        roots = self._living_roots(everybody)
        new_s = self._new_s(everybody)
        members: dict[str, list[Process]] = {role: [] for role in roots.values()}
        strangers: dict[str, float] = {}
        for process in everybody.values():
            root = _root_of(process, everybody, roots)
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

    def _living_roots(self, everybody: Mapping[int, Process]) -> dict[int, str]:
        """Those that run, without pids that were given to other processes after they had ended."""
        found = {pid: everybody[pid] for pid in self._roots if pid in everybody}
        return {
            pid: self._roots[pid]
            for pid, one in found.items()
            if self._roots_started.setdefault(pid, one.started) == one.started
        }

    def _new_s(self, everybody: Mapping[int, Process]) -> dict[tuple[int, float], float]:
        """What each process has used itself since the last reading; one that was not there then has begun since.

        Not what its ended children had used: it comes to the parent all at once, whenever the child had used it.
        """
        before, self._used_s = self._used_s, {one.identity: one.cpu_s for one in everybody.values()}
        if not self.readings:
            return {}
        return {name: cpu_s - before.get(name, 0.0) for name, cpu_s in self._used_s.items()}

    def _lean(self, roles: Mapping[str, Use]) -> dict[str, Use]:
        """A set of processes that is as it was is kept once, since a long cell has thousands of readings."""
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
    """Those that this process and all that it starts may use."""
    found = kernel.cpus()
    return {number: found[number] for number in placement.allowed_cpus() if number in found} or found
