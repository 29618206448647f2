"""Child processes: each has its own session, writes its output to a file and ends with the harness."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import psutil

from bench.measure.fleet import ownership, variables
from suite import launch, waiting
from suite.launch import Options

FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)  # exit codes; a process that crashes ends with other signals
GONE_AFTER_S = 2.0
FROZEN_AFTER_S = 2.0
T = TypeVar("T")


class Child:
    """A running program and everything that it started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        environment: Mapping[str, str],
        cpus: Sequence[int] = (),
        commanded: bool = False,
        clean: bool = True,
    ) -> None:
        """Start `command` on `cpus` (empty: anywhere) with its output in `log`. `commanded`: it listens to `tell`.

        `clean`: beside `environment`, it has the variables that all processes of a run have.
        """
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                launch_command(command, cpus),
                cwd=cwd,
                env=(variables.clean() if clean else {}) | dict(environment) | {ownership.MARK: ownership.mark()},
                stdin=subprocess.PIPE if commanded else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._family: list[psutil.Process] = []
        STARTED.add(self)

    def place(self, cpus: Sequence[int]) -> bool:
        """Keep all threads of the process and of its children on these CPUs. Empty: change nothing.

        Returns False where that is not allowed.
        """
        wanted, refused = frozenset(cpus), set[int]()
        while cpus and (found := [one for one in self._threads() if _affinity(one) not in {None, wanted}]):
            for thread in found:
                with suppress(OSError):  # not allowed, no such CPU, or it has ended
                    os.sched_setaffinity(thread, cpus)
            left = {thread for thread in found if _affinity(thread) not in {None, wanted}}
            if left <= refused:
                break
            refused |= left
        return not refused

    def _threads(self) -> list[int]:
        try:
            process = psutil.Process(self.pid)
            return [thread.id for one in (process, *process.children(recursive=True)) for thread in one.threads()]
        except psutil.Error:
            return []

    def tell(self, command: str) -> None:
        """Write a line to its standard input. Nothing happens if it has ended."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{command}\n".encode())
                self._process.stdin.flush()

    def freeze(self) -> None:
        """Stop its process group (SIGSTOP), and wait until every process of it stands still."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGSTOP)
        waiting.until(self._stands_still, FROZEN_AFTER_S, 0.0005)

    def thaw(self) -> None:
        """Let its process group go on."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)

    def _stands_still(self) -> bool:
        try:
            if not all(one.is_running() for one in self._family):
                self._family = []
            if not self._family:  # finding them takes longer than looking at them
                process = psutil.Process(self.pid)
                self._family = [process, *process.children(recursive=True)]
            return all(one.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE} for one in self._family)
        except psutil.Error:
            return True

    def exit_code(self) -> int | None:
        """Its exit code: None while it runs, negative for a signal."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it ends, and return its exit code. None when it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def wait_until(self, look: Callable[[], T | None], timeout_s: float, every_s: float = 0.05) -> T | None:
        """Call `look` until it finds something, and return that. None after `timeout_s`, or if the process ends."""

        def seen() -> tuple[T | None] | None:
            if self.exit_code() is not None:
                return (None,)
            found = look()
            return (found,) if waiting.is_there(found) else None

        [found] = waiting.until(seen, timeout_s, every_s) or (None,)
        return found

    def how_it_ended(self) -> str:
        """How it ended, in words; empty while it runs."""
        code = self.exit_code()
        if code is None:
            return ""
        return f"ended with exit code {code}" + (f" ({signal.Signals(-code).name})" if code < 0 else "")

    def was_killed(self) -> bool:
        """Whether it was killed, or ended because it was asked to (SIGKILL, SIGTERM)."""
        return self.exit_code() in FROM_OUTSIDE

    def is_stopped(self) -> bool:
        """Whether it, or a process that it started, is stopped (SIGSTOP)."""
        try:
            process = psutil.Process(self.pid)
            return any(one.status() == psutil.STATUS_STOPPED for one in (process, *process.children(recursive=True)))
        except psutil.Error:
            return False

    def stop(self, patience_s: float = 5.0) -> None:
        """Ask it to end, wait up to `patience_s`, then kill whatever is left of its process group."""
        stop_all([self], patience_s)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End every process of its group at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS raises this for a group whose members have all ended
            pass
        self._process.wait()
        # A worker may outlive its killed master by a moment, and holds the port until then.
        waiting.until(lambda: not ownership.group_runs(self.pid), GONE_AFTER_S, 0.01)

    def kill_running(self) -> None:
        """Kill its group if it has not ended yet. It does not wait, so a signal handler may call it."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 15) -> str:
        """The end of what it printed."""
        return tail(self.log, lines)


def launch_command(command: Sequence[str], cpus: Sequence[int] = ()) -> list[str]:
    """A command line that runs `command` on these CPUs (empty: anywhere) and ends with this process."""
    return launch.command(command, Options(tuple(cpus), signal.SIGTERM, most_files=True))


STARTED: WeakSet[Child] = WeakSet()


def kill_all() -> None:
    """End every process group that this process started, at once."""
    for child in list(STARTED):
        child.kill_running()


def _affinity(thread: int) -> frozenset[int] | None:
    """The CPUs on which a thread may run. None if it has ended, or if the system does not report them."""
    try:
        return frozenset(os.sched_getaffinity(thread))
    except OSError:
        return None


def tail(log: Path, lines: int) -> str:
    """The last lines of a file, indented."""
    try:
        text = log.read_text(errors="replace").strip()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def stop_all(children: Sequence[Child], patience_s: float = 5.0) -> None:
    """Ask all to end at once, and kill what is left of their process groups after `patience_s`.

    A stopped process (SIGSTOP) cannot end by itself, so it is killed without waiting.
    """
    able = [child for child in children if child.exit_code() is None and not child.is_stopped()]
    for child in able:
        child.terminate()
    deadline = time.monotonic() + patience_s
    for child in able:
        child.wait(max(0.0, deadline - time.monotonic()))
    for child in children:
        child.kill()
