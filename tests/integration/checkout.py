"""A copy of the project in a folder of its own, where commands run as a user would run them."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from db.private import embedded
from suite import catalogue, waiting

COPIED = ("bench", "db", "locustfiles", "services", "suite", "pyproject.toml", "results/README.md")


@dataclass(frozen=True)
class Checkout:
    """The copy. Its results/, its private PostgreSQL and its processes are its own; its ports are everybody's."""

    folder: Path

    @property
    def results(self) -> Path:
        """Where runs go."""
        return self.folder / "results"

    def start(self, *arguments: str, before: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
        """Start `bench ARGUMENTS` with an empty home folder; `before` is a command that runs the one behind it."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE_URL"))}
        return subprocess.Popen(
            [*before, sys.executable, "-m", "bench", *arguments],
            cwd=self.folder,
            env=inherited | {"PYTHONPATH": str(self.folder), "HOME": str(home)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def bench(self, *arguments: str, timeout_s: float = 90, **environment: str) -> tuple[int, str]:
        """Run `bench ARGUMENTS` to its end; exit code and everything it printed."""
        process = self.start(*arguments, **environment)
        try:
            printed, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=20)
            raise AssertionError(f"`bench {' '.join(arguments)}` took over {timeout_s} s:\n{printed}") from None
        return process.returncode, printed

    def processes(self) -> list[str]:
        """Command lines of all processes that belong to this copy."""
        cluster = str(embedded.locate(self.folder).home)
        return [" ".join(process.cmdline()) for process in psutil.process_iter() if self._is_ours(process, cluster)]

    def _is_ours(self, process: psutil.Process, cluster: str) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.cwd().startswith((str(self.folder), cluster)) or any(
                str(self.folder) in part or cluster in part for part in process.cmdline()
            )
        except psutil.Error:
            return False

    def wait_until_empty(self, timeout_s: float = 5.0) -> list[str]:
        """Wait until no process belongs to this copy; what is left after `timeout_s`."""
        wait_for(lambda: not self.processes(), timeout_s)
        return self.processes()


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until the condition holds; False after `timeout_s`."""
    return waiting.until(condition, timeout_s)


def copied(folder: Path) -> Iterator[Checkout]:
    """A copy in `folder`; whatever of it still runs or lies about is removed at the end."""
    for name in COPIED:
        source, target = catalogue.CHECKOUT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    checkout = Checkout(folder)
    try:
        yield checkout
    finally:
        embedded.destroy(embedded.locate(folder))


def rows(path: Path) -> list[dict[str, str]]:
    """Of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
