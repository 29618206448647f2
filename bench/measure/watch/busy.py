"""How busy the machine is with what is not ours, before anything is measured: how much, and who."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bench.analysis.recorded.counters import Cpu, Process
from bench.measure.watch import kernel
from bench.plan import placement
from bench.plan.note import Kind, Note

ENOUGH_S = 2.0  # the kernel counts a process's time in hundredths of a second
QUIET = 0.05  # of one CPU, in all
MOST_NAMED = 4
NAMED_FROM = 0.01
REMEDY = "close them, or slices will be repeated and intervals wider"


@dataclass(frozen=True)
class Stranger:
    """A process that is not ours, and how much of one CPU it used."""

    name: str
    pid: int
    cpus: float

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}) {self.cpus:.2f} CPU"


@dataclass(frozen=True)
class Busy:
    """What others used of our `cpus` CPUs in `seconds`; every share is of one CPU.

    `strangers` are the processes that were seen, the busiest first. `unseen` is the share of those that ended meanwhile
    or cannot be seen, such as other containers'. `steal` is what the hypervisor gave to other machines.
    """

    seconds: float
    cpus: int
    strangers: tuple[Stranger, ...] = ()
    unseen: float = 0.0
    steal: float = 0.0

    @property
    def others(self) -> float:
        """What all other processes used."""
        return sum(one.cpus for one in self.strangers) + self.unseen

    @property
    def quiet(self) -> bool:
        """Whether it is too little to be worth a word."""
        return self.others + self.steal < QUIET

    def words(self, when: str) -> str:
        """How much it was, and who. `when`: when that was."""
        named = [str(one) for one in self.strangers if one.cpus >= NAMED_FROM]
        listed = named[:MOST_NAMED]
        if len(named) > MOST_NAMED:
            listed.append(f"{len(named) - MOST_NAMED} more")
        if self.unseen >= NAMED_FROM:
            listed.append(f"some that ended or cannot be seen here {self.unseen:.2f} CPU")
        used = f"other processes used {self.others:.2f} of {self.cpus} CPUs {when}"
        stolen = f"; the hypervisor gave {self.steal:.2f} CPU to other machines" if self.steal >= NAMED_FROM else ""
        remedy = f": {REMEDY}" if named and not self.quiet else ""
        return used + (f": {', '.join(listed)}" if listed else "") + stolen + remedy

    def notes(self, when: str) -> list[Note]:
        """A note unless it is quiet."""
        return [] if self.quiet else [Note("", Kind.BUSY, self.words(when))]

    def as_dict(self) -> dict[str, Any]:
        """For environment.json."""
        shares = {name: round(getattr(self, name), 3) for name in ("seconds", "others", "unseen", "steal")}
        named = [{"name": one.name, "cpus": round(one.cpus, 3)} for one in self.strangers[:MOST_NAMED]]
        return shares | {"processes": named}


class Watch:
    """Watches from its creation on."""

    def __init__(self, roots: Collection[int]) -> None:
        """Begin. `roots`: processes that are ours beside this one; so are all that they start."""
        self._roots = {os.getpid(), *roots}
        self._cpus = placement.allowed_cpus() or tuple(kernel.cpus())
        self._began_s, self._began = time.monotonic(), self._reading()

    def _reading(self) -> tuple[dict[int, Process], dict[int, Cpu]]:
        found = kernel.cpus()
        return kernel.processes(), {number: found[number] for number in self._cpus if number in found}

    def seen(self, least_s: float = ENOUGH_S, sleep: Callable[[float], None] = time.sleep) -> Busy:
        """What was seen so far. It waits until that is at least `least_s`."""
        sleep(max(0.0, self._began_s + least_s - time.monotonic()))
        now = self._reading()
        return busy(self._began, now, self._roots, time.monotonic() - self._began_s)


Reading = tuple[Mapping[int, Process], Mapping[int, Cpu]]


def busy(began: Reading, now: Reading, roots: Collection[int], seconds: float) -> Busy:
    """What others used between two readings. Pure."""
    (before, cpus_before), (after, cpus) = began, now
    known_s = {one.identity: one.cpu_s for one in before.values()}
    kernel_s, strangers = 0.0, list[Stranger]()
    for one in after.values():
        new_s = one.cpu_s - known_s.get(one.identity, 0.0)
        if _is_ours(one, after, roots) or (one.cpu is not None and one.cpu not in cpus):
            continue
        if one.of_the_kernel:
            kernel_s += new_s
        elif new_s > 0:
            strangers.append(Stranger(one.name, one.pid, new_s / seconds))
    ours_s = _ours_s(after, roots) - _ours_s(before, roots)
    seen_s = sum(one.cpus for one in strangers) * seconds
    grew = [(cpu, cpus_before[number]) for number, cpu in cpus.items() if number in cpus_before]
    rest_s = sum(cpu.working_s - was.working_s for cpu, was in grew) - ours_s - kernel_s
    return Busy(
        seconds=seconds,
        cpus=len(cpus),
        strangers=tuple(sorted(strangers, key=lambda one: (-one.cpus, one.pid))),
        unseen=max(0.0, rest_s - seen_s) / seconds,
        steal=sum(cpu.steal_s - was.steal_s for cpu, was in grew) / seconds,
    )


def _ours_s(processes: Mapping[int, Process], roots: Collection[int]) -> float:
    """With what ended children had used, which is most of it: services are started and ended meanwhile."""
    return sum(one.cpu_s + one.reaped_s for one in processes.values() if _is_ours(one, processes, roots))


def _is_ours(process: Process, processes: Mapping[int, Process], roots: Collection[int]) -> bool:
    one: Process | None = process
    while one is not None and one.pid not in roots:
        one = processes.get(one.parent)
    return one is not None
