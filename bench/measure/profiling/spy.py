"""Runs py-spy beside a service that the suite started, and reads what it saw.

py-spy runs on the service's own CPU. From another one, its signal reaches the service some microseconds late, which is
then in the next system call: most samples would lie in calls that cost next to nothing. On the same CPU, the timer that
wakes py-spy interrupts the service wherever it is.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.analysis.profiling import stacks
from bench.measure.fleet.processes import Child, tail
from bench.measure.watch.kernel import PROC, TICKS, parse_stat

PROGRAM = Path(sys.executable).with_name("py-spy")
RATE_HZ = 100
SPARE_S = 20.0  # for reading the symbols of all libraries
COUNTED = re.compile(r"Samples: (\d+) Errors: (\d+)")
DENIED = re.compile(r"permission denied|operation not permitted", re.IGNORECASE)
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


@dataclass(frozen=True)
class StacksSeen:
    """What py-spy saw: samples by collapsed stack, and how many could not be read. `problem`: why there are none."""

    stacks: Mapping[str, int]
    lost: int
    problem: str = ""


class Spy:
    """One look of `seconds` into a service's processes, which begins at once. `name` is of its files in `folder`."""

    def __init__(
        self, pids: Sequence[int], seconds: int, cpus: Sequence[int], folder: Path, name: str, *, native: bool
    ) -> None:
        """Start py-spy on these CPUs (empty: anywhere). `native`: with the frames of machine code."""
        self._raw, self.longest_s = folder / name, seconds + SPARE_S
        options = ("--native",) if native else ()
        command = [
            str(PROGRAM), "record", "--pid", str(pids[0]), *(("--subprocesses",) if len(pids) > 1 else ()),
            "--duration", str(seconds), "--rate", str(RATE_HZ), "--format", "raw", "--full-filenames", *options,
            "--output", str(self._raw),
        ]  # fmt: skip
        self._log = self._raw.with_suffix(".log")
        self.child = Child(command, log=self._log, cwd=folder, environment={}, cpus=cpus)

    def has_ended(self) -> bool:
        """Whether it has written what it saw, or failed."""
        return self.child.exit_code() is not None

    def look(self) -> StacksSeen:
        """What it saw. The file then has portable paths."""
        self.child.stop()
        log = self._log.read_text(errors="replace") if self._log.exists() else ""
        counted = COUNTED.search(log)
        if self.child.exit_code() != 0 or counted is None or not self._raw.exists():
            return StacksSeen({}, 0, problem(log, tail(self._log, 3).strip()))
        seen = stacks.read(self._raw.read_text(errors="replace"))
        self._raw.write_text(stacks.text_of(seen))
        return StacksSeen(seen, int(counted[2]))


def problem(log: str, last: str, scope: Path = YAMA) -> str:
    """In words, why there are no samples, and the remedy."""
    if not PROGRAM.exists():
        return "py-spy is not installed, so nothing is known of the layers; install it with: make setup"
    if not DENIED.search(log):
        return f"py-spy saw nothing: {last or 'it ended without a word'}"
    try:
        level = int(scope.read_text())
    except (OSError, ValueError):
        level = 0
    why = "the kernel does not let this user trace the service"
    if level >= 2:
        return f"{why} (kernel.yama.ptrace_scope is {level}); allow it with: sysctl kernel.yama.ptrace_scope=1"
    return f"{why}; in a container, add: --cap-add SYS_PTRACE"


def processes(root: int) -> list[int]:
    """The process that serves; where there are several, the one that started them, then those."""
    try:
        family = psutil.Process(root).children(recursive=True)
        leaves = [one.pid for one in family if not one.children()]
    except psutil.Error:
        return [root]
    return leaves if len(leaves) == 1 else [root, *leaves]


def threads_s(pids: Sequence[int]) -> dict[tuple[int, str], float]:
    """The user time of each thread of these processes so far (s), by number and name. Empty where it is not told."""
    found = {}
    for pid in pids:
        for task in tasks(pid):
            try:
                text = (task / "stat").read_text()
            except OSError:  # it has just ended
                continue
            one = parse_stat(text, TICKS, page=0)
            found[one.pid, one.name] = one.cpu_s - (one.system_s or 0.0)
    return found


def tasks(pid: int) -> list[Path]:
    """The folders of a process's threads; none of one that has ended."""
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def used_s(before: Mapping[tuple[int, str], float], after: Mapping[tuple[int, str], float]) -> dict[str, float]:
    """How much user time the threads of each name have used (s)."""
    found = dict[str, float]()
    for (thread, name), at_s in after.items():
        found[name] = found.get(name, 0.0) + at_s - before.get((thread, name), 0.0)
    return found
