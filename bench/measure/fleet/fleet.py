"""The processes of services: started side by side, each on its port. They return a nonce that proves they are ours.

The first setup of a service has the port of its service.toml. Others beside it, in turns, have one above.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench import tracing
from bench.measure.fleet import applications
from bench.measure.fleet.external import LOG, External
from bench.measure.fleet.network import Network
from bench.measure.fleet.processes import Child, stop_all
from bench.measure.fleet.serving import ask_health, check_ports, command, settings_of
from bench.plan.address import host_and_port
from bench.plan.matrix import Setup
from db.ports import LOOPBACK
from suite import catalogue
from suite.errors import EndedError, ServiceError
from suite.trust import Trust

START_TIMEOUT_S = 30.0
HUNG_AFTER_S = 10.0
STEP = 100  # between the ports of two setups of one service


@dataclass(frozen=True)
class FleetSettings:
    """The settings that all services of a run share.

    `dataset_users` is the number of users in the dataset. Services listen on loopback and on `bind_host`.
    `trust` has the certificates that a target may be signed with. `profiled`: this process and what it starts may look
    into the services. `loop_lag`: services note how late their event loop runs a timer.
    """

    database_url: str = field(repr=False)
    dataset_users: int
    cpus: tuple[int, ...]
    database_cpus: tuple[int, ...] = ()
    load_cpus: tuple[int, ...] = ()
    bind_host: str = LOOPBACK
    trust: Trust = field(default_factory=Trust)
    profiled: bool = False
    loop_lag: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))


class Fleet:
    """The services that are running, at most one setup on each port."""

    def __init__(
        self,
        settings: FleetSettings,
        *,
        traced: bool = False,
        calls: bool = True,
        urls: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Starts nothing yet. `traced`: services record their requests and pools, which costs them some CPU.

        `calls`: services may call the external API; otherwise it is not started. `urls` has the database's address
        for services that have one of their own.
        """
        self.settings, self.traced, self.calls = settings, traced, calls
        self._urls = urls
        self._running: dict[Setup, Child] = {}
        self._ports: dict[Setup, int] = {}
        self.network = Network(settings.database_url, settings.database_cpus)
        self.external = External(settings.nonce, settings.load_cpus)
        self.health: dict[Setup, dict[str, Any]] = {}
        self._metrics_folders: list[tempfile.TemporaryDirectory[str]] = []

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self, setups: Mapping[Setup, Path], meanwhile: Callable[[], object] = lambda: None, *, cells: int = 1
    ) -> None:
        """Start these setups side by side, each with its log file, do something `meanwhile`, and wait until all answer.

        Raises ServiceError with the end of the log if one does not answer, and PreflightError for a taken port.
        """
        self._assign_ports(setups)
        check_ports([self._ports[setup] for setup in setups if not setup.url])
        applications.check(setup for setup in setups if setup.url)
        for setup, log in setups.items():
            self._running[setup] = self._launch(setup, log, cells)
        meanwhile()
        deadline = time.monotonic() + START_TIMEOUT_S
        for setup in setups:
            self._wait_until_healthy(setup, deadline - time.monotonic())
        self.external.wait()
        # Placed only now: most of a start is importing, and on one CPU the services would wait for each other.
        for setup in setups:
            child = self._running[setup]
            if not child.place(self.settings.cpus):
                with child.log.open("a") as output:
                    output.write(f"not placed on CPU {'+'.join(map(str, self.settings.cpus))}: not allowed\n")

    def ensure(self, setup: Setup, log: Path) -> None:
        """Start this setup unless it runs and answers. It replaces another setup of the same service."""
        self._have({setup: log}, beside=True)

    def have_in_turns(self, setups: Mapping[Setup, Path], meanwhile: Callable[[], object] = lambda: None) -> None:
        """Start those of these setups that do not run and answer, and stop all others. They are going to take turns.

        `meanwhile`: what is done while they start; all ports are known by then. A pool's time-out goes on while its
        service is frozen, so it becomes as many times as long.
        """
        self._have(setups, meanwhile, cells=len(setups))

    def _have(
        self,
        setups: Mapping[Setup, Path],
        meanwhile: Callable[[], object] = lambda: None,
        *,
        beside: bool = False,
        cells: int = 1,
    ) -> None:
        for setup in setups.keys() & self._running.keys():
            self.thaw(setup)  # it has had its turns in an earlier heat
        kept = {setup for setup in setups if (child := self._running.get(setup)) and self._answers(setup, child)}
        services = {setup.service for setup in setups}
        ended = [one for one in self._running if one not in kept and (not beside or one.service in services)]
        stop_all([self._running.pop(one) for one in ended])
        self.start({setup: log for setup, log in setups.items() if setup not in kept}, meanwhile, cells=cells)

    def pids(self) -> dict[int, Setup]:
        """The first process of each service."""
        return {child.pid: setup for setup, child in self._running.items()}

    def names(self) -> list[str]:
        """The names of the running services."""
        return [setup.service for setup in self._running]

    def url(self, setup: Setup) -> str:
        """Where a running service answers, on loopback; a target at its own address."""
        return setup.url or f"http://{LOOPBACK}:{self._ports[setup]}"

    def freeze(self, setup: Setup) -> None:
        """Stop a service's processes, and wait until they stand still."""
        self._running[setup].freeze()

    def thaw(self, setup: Setup) -> None:
        """Let a frozen service go on."""
        self._running[setup].thaw()

    def trace(self, setup: Setup) -> Path:
        """The file to which a traced service writes its events, beside its log."""
        return _trace_beside(self._running[setup].log)

    def lag_file(self, setup: Setup) -> Path | None:
        """To which a running service appends its event loop's lag, beside its log; None where it does not."""
        return _lag_beside(self._running[setup].log) if self.settings.loop_lag and not setup.url else None

    def check_alive(self, setup: Setup, when: str = "") -> None:
        """Raise ServiceError, with `when` and the end of its log, if the service has ended; EndedError if by itself."""
        if ended := self._died(setup, when):
            raise self._error(setup)(ended)

    def check_all_alive(self) -> None:
        """Raise ServiceError if any service has ended."""
        for setup in self._running:
            self.check_alive(setup)

    def _died(self, setup: Setup, when: str = "") -> str | None:
        child = self._running[setup]
        ended = child.how_it_ended()
        return f"{setup.service} {ended}{when}:\n{child.log_tail()}" if ended else None

    def _error(self, setup: Setup) -> type[ServiceError]:
        """What to raise of a service that has ended."""
        return ServiceError if self._running[setup].was_killed() else EndedError

    def _answers(self, setup: Setup, child: Child) -> bool:
        """Whether the service answers in time. One that is stopped (SIGSTOP) or hangs is useless for the next cell."""
        if setup.url:
            return applications.answers(setup, child, HUNG_AFTER_S)
        if child.exit_code() is not None:
            return False
        url, stopped = self.url(setup), dict[str, Any]()
        health = child.wait_until(lambda: stopped if child.is_stopped() else ask_health(url), HUNG_AFTER_S)
        return health is not None and health.get("nonce") == self.settings.nonce

    def stop(self) -> None:
        """End all of them."""
        stop_all(list(self._running.values()))
        self._running.clear()
        while self._metrics_folders:
            self._metrics_folders.pop().cleanup()
        self.network.stop()
        self.external.stop()

    def _assign_ports(self, setups: Iterable[Setup]) -> None:
        """Each gets the port of its service, or the next one that no setup beside it has."""
        taken = {self._ports[one] for one in self._running}
        own = {one: host_and_port(one.url)[1] for one in setups if one.url}  # these cannot move
        taken.update(own.values())
        self._ports |= own
        for setup in (one for one in setups if not one.url):
            port = catalogue.service(setup.service).port
            while port in taken:
                port += STEP
            taken.add(port)
            self._ports[setup] = port

    def _launch(self, setup: Setup, log: Path, cells: int) -> Child:
        shared, rtt_ms = self.settings, setup.database_rtt_ms
        if setup.url:
            if self.calls and setup.external_api:
                self.external.url(0.0, log.with_name(LOG))  # the target has been given its own address
            return applications.launch(setup, shared.database_url, log)
        near = self._urls.get(setup.service, shared.database_url)
        url = near if rtt_ms is None else self.network.url(rtt_ms, log.with_name("relay.log"))
        if self.calls and catalogue.service(setup.service).needs_database:
            calls = {"EXTERNAL_API_URL": self.external.url(setup.external_delay_s, log.with_name(LOG))}
        else:
            calls = {}
        own = catalogue.service(setup.service).application
        traced = _traced(setup, log) if self.traced else {}
        profiled = {"PROFILED_BY": str(os.getpid())} if shared.profiled else {}
        lag = {"LOOP_LAG_FILE": str(_lag_beside(log))} if shared.loop_lag else {}
        if setup.workers > 1:  # see services/metrics.py
            self._metrics_folders.append(
                tempfile.TemporaryDirectory(prefix="bench-metrics-", ignore_cleanup_errors=True)
            )
            together = {"PROMETHEUS_MULTIPROC_DIR": self._metrics_folders[-1].name}
        else:
            together = {}
        return Child(
            command(setup, tracing.PATH if traced else own, self._ports[setup], shared.bind_host),
            log=log,
            cwd=catalogue.CHECKOUT,
            environment=calls
            | settings_of(setup, url, cells)
            | {"DATASET_USERS": str(shared.dataset_users), "RUN_NONCE": shared.nonce}
            | {**traced, **profiled, **lag, **together},
        )

    def _wait_until_healthy(self, setup: Setup, timeout_s: float) -> None:
        child, url = self._running[setup], self.url(setup)
        if setup.url:
            applications.wait(setup, child, timeout_s, START_TIMEOUT_S)
            return
        health = child.wait_until(lambda: ask_health(url), timeout_s)
        if health is None:
            if ended := self._died(setup):
                raise self._error(setup)(f"could not start {ended}")
            raise ServiceError(
                f"{setup.service} did not answer on {url}/health within {START_TIMEOUT_S:.0f} s:\n" + child.log_tail()
            )
        if health.get("nonce") != self.settings.nonce:
            raise ServiceError(f"another program answers on {url} in place of {setup.service}")
        if otherwise := _otherwise(setup, health):
            raise ServiceError(f"{setup.service} runs {otherwise}")
        self.health[setup] = health


def _otherwise(setup: Setup, health: Mapping[str, Any]) -> str:
    """In what a service runs otherwise than its setup says, with the remedy. Empty if it does not."""
    for what, key, option in (("the server", "server", "--server"), ("the event loop", "event_loop", "--loop")):
        really, asked = health.get(key), setup.server if key == "server" else setup.loop
        if really != asked:
            remedy = f"install what {asked} needs (make setup EXTRAS=all), or measure what there is ({option} {really})"
            return f"with {what} {really!r} in place of {asked!r}: {remedy}"
    if (really := health.get("driver")) != setup.driver:
        return f"on the driver {really!r} in place of {setup.driver!r}"
    if (really := health.get("gc")) != setup.gc:
        return f"with garbage collection {really!r} in place of {setup.gc!r}"
    return ""


def _traced(setup: Setup, log: Path) -> dict[str, str]:
    """What tells the process to record its requests, and the uses of its pool."""
    service = setup.described
    return {
        tracing.APPLICATION: service.application,
        tracing.POOL: str(service.traced_pool or ""),
        tracing.FILE: str(_trace_beside(log)),
    }


def _trace_beside(log: Path) -> Path:
    return log.with_suffix(".trace.jsonl")


def _lag_beside(log: Path) -> Path:
    return log.with_suffix(".loop_lag.txt")
