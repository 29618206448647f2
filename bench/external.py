"""The external API as a process: started when the first service that calls it is, ended with the fleet."""

import time
from pathlib import Path

from bench import catalogue, serving
from bench.errors import ServiceError
from bench.processes import Child

START_TIMEOUT_S = 15.0
POLL_EVERY_S = 0.05


class External:
    """One process that answers after whatever delay its address asks for."""

    def __init__(self, nonce: str, cpus: tuple[int, ...]) -> None:
        self._nonce, self._cpus = nonce, cpus
        self._child: Child | None = None

    def url(self, delay_s: float, log: Path) -> str:
        """Its address for such a delay; started now unless it runs. Raises ServiceError or PreflightError."""
        if self._child is None:
            self._child = self._started(log)
        return f"{catalogue.external().url}/delayed/{delay_s:g}"

    def _started(self, log: Path) -> Child:
        service = catalogue.external()
        serving.check_ports([service.port])
        command, environment = serving.uvicorn(service.application, service.port, workers=1), {"RUN_NONCE": self._nonce}
        child = Child(command, log=log, cwd=catalogue.CHECKOUT, environment=environment, cpus=self._cpus)
        deadline = time.monotonic() + START_TIMEOUT_S
        while (health := serving.ask_health(service.url)) is None:
            if child.exit_code() is not None or time.monotonic() > deadline:
                child.stop()
                raise ServiceError(f"could not start {service.name}:\n{child.log_tail()}")
            time.sleep(POLL_EVERY_S)
        if health.get("nonce") != self._nonce:
            child.stop()
            raise ServiceError(f"somebody else answers on {service.url} in place of {service.name}")
        return child

    def pids(self) -> list[int]:
        """Its process, if it runs."""
        return [self._child.pid] if self._child else []

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.stop()
            self._child = None
