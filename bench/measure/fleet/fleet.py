"""Services as processes: started side by side, each on its port, and known to be ours by the nonce they echo."""

import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import tracing
from bench.measure.fleet.external import External
from bench.measure.fleet.network import Network
from bench.measure.fleet.processes import Child, stop_all
from bench.measure.fleet.serving import ask_health, check_ports, command
from bench.plan.matrix import Setup
from db.ports import LOOPBACK
from suite import catalogue
from suite.errors import ServiceError

START_TIMEOUT_S = 30.0
HUNG_AFTER_S = 10.0


@dataclass(frozen=True)
class Surroundings:
    """What all services of a run share.

    `dataset_users` is the number of users in the dataset, `bind_host` where they listen besides loopback.
    """

    database_url: str = field(repr=False)
    dataset_users: int
    cpus: tuple[int, ...]
    database_cpus: tuple[int, ...] = ()
    load_cpus: tuple[int, ...] = ()
    bind_host: str = LOOPBACK
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))


class Fleet:
    """The services that are running, at most one setup on each port."""

    def __init__(self, surroundings: Surroundings, *, traced: bool = False, calls: bool = True) -> None:
        """Nothing runs yet. `traced`: services note their requests and pools, which costs them some CPU.

        Where nobody `calls` the external API, it is not started beside them.
        """
        self.surroundings, self.traced, self.calls = surroundings, traced, calls
        self._running: dict[str, tuple[Setup, Child]] = {}
        self.network = Network(surroundings.database_url, surroundings.database_cpus)
        self.external = External(surroundings.nonce, surroundings.load_cpus)
        self.health: dict[Setup, dict[str, Any]] = {}
        self._metrics_folders: list[tempfile.TemporaryDirectory[str]] = []

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, setups: Mapping[Setup, Path]) -> None:
        """Start these setups side by side, each with its log file, and wait until all answer.

        Raises ServiceError with the end of the log of one that does not, and PreflightError for a taken port.
        """
        check_ports([catalogue.service(setup.service).port for setup in setups])
        for setup, log in setups.items():
            self._running[setup.service] = (setup, self._launch(setup, log))
        deadline = time.monotonic() + START_TIMEOUT_S
        for setup in setups:
            self._wait_until_healthy(setup, deadline - time.monotonic())
        self.external.wait()
        # Only now: importing is most of a start's work, and on one CPU the services would wait for each other.
        for setup in setups:
            child = self._running[setup.service][1]
            if not child.place(self.surroundings.cpus):
                with child.log.open("a") as output:
                    output.write(f"not placed on CPU {'+'.join(map(str, self.surroundings.cpus))}: not allowed\n")

    def ensure(self, setup: Setup, log: Path) -> None:
        """Have this very setup running, in place of another one of the same service if need be."""
        running, child = self._running.get(setup.service, (None, None))
        if running == setup and child is not None and child.exit_code() is None and self._answers(setup, child):
            return
        if child is not None:
            child.stop()
            del self._running[setup.service]
        self.start({setup: log})

    def pids(self) -> dict[int, Setup]:
        """The process that each service was started as."""
        return {child.pid: setup for setup, child in self._running.values()}

    def names(self) -> list[str]:
        """The services that are running."""
        return list(self._running)

    def trace(self, setup: Setup) -> Path:
        """Where a traced service writes its events: beside its log."""
        return _trace_beside(self._running[setup.service][1].log)

    def check_alive(self, setup: Setup, when: str = "") -> None:
        """Raise ServiceError, with the end of its log, if the service is not running any more; `when` is added."""
        if ended := self._died(setup, when):
            raise ServiceError(ended)

    def check_all_alive(self) -> None:
        """Raise ServiceError if any service is not running any more."""
        for setup, _ in self._running.values():
            self.check_alive(setup)

    def _died(self, setup: Setup, when: str = "") -> str | None:
        _, child = self._running[setup.service]
        ended = child.how_it_ended()
        return f"{setup.service} {ended}{when}:\n{child.log_tail()}" if ended else None

    def _answers(self, setup: Setup, child: Child) -> bool:
        """Whether it does so in a while; one that was stopped, or hangs, is of no use to the next cell."""
        url, stopped = catalogue.service(setup.service).url, dict[str, Any]()
        health = child.wait_until(lambda: stopped if child.is_stopped() else ask_health(url), HUNG_AFTER_S)
        return health is not None and health.get("nonce") == self.surroundings.nonce

    def stop(self) -> None:
        """End all of them."""
        stop_all([child for _, child in self._running.values()])
        self._running.clear()
        while self._metrics_folders:
            self._metrics_folders.pop().cleanup()
        self.network.stop()
        self.external.stop()

    def _launch(self, setup: Setup, log: Path) -> Child:
        shared, rtt_ms = self.surroundings, setup.database_rtt_ms
        url = shared.database_url if rtt_ms is None else self.network.url(rtt_ms, log.with_name("relay.log"))
        if self.calls and catalogue.service(setup.service).needs_database:
            calls = {"EXTERNAL_API_URL": self.external.url(setup.external_delay_s, log.with_name("external_api.log"))}
        else:
            calls = {}
        own = catalogue.service(setup.service).application
        traced = {tracing.APPLICATION: own, tracing.FILE: str(_trace_beside(log))} if self.traced else {}
        if setup.workers > 1:  # see services/metrics.py
            self._metrics_folders.append(
                tempfile.TemporaryDirectory(prefix="bench-metrics-", ignore_cleanup_errors=True)
            )
            together = {"PROMETHEUS_MULTIPROC_DIR": self._metrics_folders[-1].name}
        else:
            together = {}
        return Child(
            command(setup, tracing.PATH if traced else own, shared.bind_host),
            log=log,
            cwd=catalogue.CHECKOUT,
            environment=calls
            | {
                "DATABASE_URL": url,
                "DATASET_USERS": str(shared.dataset_users),
                "RUN_NONCE": shared.nonce,
                "POOL_SIZE": str(setup.pool_size),
                "POOL_OVERFLOW": str(setup.pool_overflow),
                "POOL_TIMEOUT_S": str(setup.pool_timeout_s),
                "THREADS": str(setup.threads),
                "PROFILE": setup.profile,
                **traced,
                **together,
            },
        )

    def _wait_until_healthy(self, setup: Setup, timeout_s: float) -> None:
        service, (_, child) = catalogue.service(setup.service), self._running[setup.service]
        health = child.wait_until(lambda: ask_health(service.url), timeout_s)
        if health is None:
            if ended := self._died(setup):
                raise ServiceError(f"could not start {ended}")
            raise ServiceError(
                f"{service.name} did not answer on {service.url}/health within {START_TIMEOUT_S:.0f} s:\n"
                + child.log_tail()
            )
        if health.get("nonce") != self.surroundings.nonce:
            raise ServiceError(f"somebody else answers on {service.url} in place of {service.name}")
        self.health[setup] = health


def _trace_beside(log: Path) -> Path:
    return log.with_suffix(".trace.jsonl")
