"""The kernel's counters of a process and of a CPU. All figures are cumulative."""

from dataclasses import dataclass

KERNEL_THREADS_PARENT = 2


@dataclass(frozen=True)
class Process:
    """A process now. `cpu_s` counts what it used itself, `reaped_s` what its ended children had used.

    `cpu` is the number of the CPU that it ran on last, and `system_s` the part of `cpu_s` in the kernel; None where the
    system does not say.
    """

    pid: int
    parent: int
    name: str
    started: float
    cpu_s: float
    reaped_s: float
    rss_bytes: int
    stopped: bool = False
    cpu: int | None = None
    system_s: float | None = None

    @property
    def identity(self) -> tuple[int, float]:
        """A pid alone may be given to another process once it has ended."""
        return self.pid, self.started

    @property
    def of_the_kernel(self) -> bool:
        """Whether it is a thread of the kernel's own (Linux)."""
        return KERNEL_THREADS_PARENT in {self.parent, self.pid}


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
