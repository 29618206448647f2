"""The process of the external API: started with the first service that calls it, ended with the fleet."""

from pathlib import Path

import httpx

from bench.measure.fleet import serving
from bench.measure.fleet.processes import Child
from suite import catalogue, prometheus
from suite.errors import ServiceError

START_TIMEOUT_S = 15.0
METRICS_TIMEOUT_S = 10.0
LOG = "external_api.log"


class External:
    """One process that answers after the delay in its address."""

    def __init__(self, nonce: str, cpus: tuple[int, ...]) -> None:
        self._nonce, self._cpus = nonce, cpus
        self._child: Child | None = None
        self._answers = False

    def url(self, delay_s: float, log: Path) -> str:
        """The address for this delay. Starts the process unless it runs. Raises PreflightError for a taken port.

        It may not answer yet: services start at the same time, and `wait` waits until it answers.
        """
        service = catalogue.external()
        if self._child is None:
            serving.check_ports([service.port])
            command = serving.external_command()
            environment = {"RUN_NONCE": self._nonce}
            self._child = Child(command, log=log, cwd=catalogue.CHECKOUT, environment=environment, cpus=self._cpus)
            self._answers = False
        return f"{service.url}/delayed/{delay_s:g}"

    def start(self, folder: Path) -> None:
        """Start it for a target, with its log in this folder, unless it runs. Raises PreflightError, ServiceError."""
        self.url(0.0, folder / LOG)  # the target has been given its own address
        self.wait()

    def calls(self) -> int:
        """How many calls it has answered since it started. Raises ServiceError if it does not answer."""
        url = f"{catalogue.external().url}/metrics"
        try:
            text = httpx.get(url, timeout=METRICS_TIMEOUT_S, trust_env=False).raise_for_status().text
            return int(prometheus.totals(text)["calls_total"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            why = str(error) or type(error).__name__
            raise ServiceError(f"the external API does not say how many calls it answered ({url}: {why})") from None

    def wait(self) -> None:
        """Wait until it answers, if it was started. Raises ServiceError with the end of its log."""
        if self._child is None or self._answers:
            return
        service = catalogue.external()
        health = self._child.wait_until(lambda: serving.ask_health(service.url), START_TIMEOUT_S)
        if health is None:
            log = self._child.log_tail()
            self.stop()
            raise ServiceError(f"could not start {service.name}:\n{log}")
        if health.get("nonce") != self._nonce:
            self.stop()
            raise ServiceError(f"another program answers on {service.url} in place of {service.name}")
        self._answers = True

    def pids(self) -> list[int]:
        """Its process, if it runs."""
        return [self._child.pid] if self._child else []

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.stop()
            self._child = None
