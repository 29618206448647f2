"""The setting of a measurement: a temporary folder, the CPUs of each role, the null server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure.fleet.processes import Child
from bench.plan.placement import Placement
from bench.selfbench.tally import Tally
from db import ports
from suite import catalogue
from suite.errors import ServiceError

START_TIMEOUT_S = 10.0
POLL_EVERY_S = 0.02


@dataclass(frozen=True)
class Setting:
    """The folder and the CPUs that all parts use."""

    folder: Path
    placed: Placement

    def new_folder(self, name: str) -> Path:
        """Create a folder with this name and the next free number."""
        number = 0
        while (folder := self.folder / f"{name}-{number}").exists():
            number += 1
        folder.mkdir()
        return folder


@dataclass(frozen=True)
class NullServer:
    """The running null server."""

    url: str
    tally: Tally
    child: Child

    def check_alive(self) -> None:
        """Raise ServiceError, with the end of its log, if it has ended."""
        if (code := self.child.exit_code()) is not None:
            raise ServiceError(f"the null server ended with exit code {code}:\n{self.child.log_tail()}")


@contextmanager
def null_server(setting: Setting, *, delay_ms: float = 0.0, work_us: int = 0) -> Iterator[NullServer]:
    """Run a null server on the service's CPUs. Raises ServiceError when it does not start."""
    folder, port = setting.new_folder("null-server"), ports.free()
    counts = folder / "tally"
    tally = Tally(counts)
    how = ["--delay-ms", str(delay_ms)] if delay_ms else ["--work-us", str(work_us)] if work_us else []
    child = Child(
        [sys.executable, "-m", "bench.selfbench.null_server", "--port", str(port), "--tally", str(counts), *how],
        log=folder / "log.txt",
        cwd=catalogue.CHECKOUT,
        environment={},
        cpus=setting.placed.service,
    )
    try:
        server = NullServer(f"http://127.0.0.1:{port}", tally, child)
        if not child.wait_until(lambda: ports.answers(port), START_TIMEOUT_S, POLL_EVERY_S):
            server.check_alive()
            raise ServiceError(f"the null server did not start:\n{child.log_tail()}")
        yield server
    finally:
        child.stop()
        tally.close()
