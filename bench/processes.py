"""One child process: started in a session of its own, its output in a file, never outliving the harness."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LAUNCHER = Path(__file__).with_name("_launch.py")
# Settings of a user's own that would change what a service or Locust does.
FOREIGN = (
    "PG",
    "LOCUST_",
    "GUNICORN_",
    "UVICORN_",
    "WEB_CONCURRENCY",
    "FORWARDED_ALLOW_IPS",
    "DATABASE_URL",
    "PROMETHEUS_",
)


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
    ) -> None:
        """Start `command` on `cpus` (empty: anywhere) with its output in `log`."""
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        placed = ",".join(map(str, cpus)) or "-"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*launcher, placed, str(int(signal.SIGTERM)), *command],
                cwd=cwd,
                env=clean_environment() | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def place(self, cpus: Sequence[int]) -> None:
        """Keep it and everything that it started on these CPUs from now on, every thread of it; empty: leave it be."""
        if not cpus:
            return
        while misplaced := [thread for thread in self._threads() if _affinity(thread) not in {None, frozenset(cpus)}]:
            for thread in misplaced:
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread, cpus)

    def _threads(self) -> list[int]:
        try:
            process = psutil.Process(self.pid)
            return [thread.id for one in (process, *process.children(recursive=True)) for thread in one.threads()]
        except psutil.NoSuchProcess:
            return []

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it ends; None when it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, patience_s: float = 5.0) -> None:
        """Ask it to end, wait up to `patience_s`, then kill whatever is left of its process group."""
        if self.exit_code() is None:
            self._process.terminate()
            self.wait(patience_s)
        self.kill()

    def kill(self) -> None:
        """End every process of its group at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS says so of a group whose members have all ended
            pass
        self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The end of what it printed."""
        return tail(self.log, lines)


def _affinity(thread: int) -> frozenset[int] | None:
    """The CPUs that a thread may run on; None when it has ended."""
    try:
        return frozenset(os.sched_getaffinity(thread))
    except ProcessLookupError:
        return None


def clean_environment() -> dict[str, str]:
    """This process's environment without what would reconfigure a child behind the plan's back."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {
        "PYTHONUNBUFFERED": "1"
    }


def tail(log: Path, lines: int) -> str:
    """The last lines of a file, indented."""
    try:
        text = log.read_text(errors="replace").strip()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def stop_all(children: Sequence[Child], patience_s: float = 5.0) -> None:
    """Ask all to end at once, and kill those that have not after `patience_s`."""
    for child in children:
        if child.exit_code() is None:
            os.kill(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    for child in children:
        child.wait(max(0.0, deadline - time.monotonic()))
        child.kill()
