"""Relays between services and PostgreSQL that add a delay to every round trip, as a network would."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.measure.fleet.processes import Child, stop_all
from db import ports, tls, wire
from db.address import dsn
from db.tls import Identity
from suite import catalogue
from suite.errors import ServiceError

START_TIMEOUT_S = 10.0
POLL_EVERY_S = 0.02


class Network:
    """Relays to one server, one for each round trip time. Each is a separate process on the database's CPUs."""

    def __init__(self, database_url: str, cpus: Sequence[int]) -> None:
        self._server = dsn.parse(database_url)
        self._cpus = tuple(cpus)
        self._relays: dict[float, tuple[Child, int]] = {}
        self._stack = ExitStack()
        self._own: Identity | None = None

    def url(self, rtt_ms: float, log: Path) -> str:
        """The server's URL with this round trip time. Raises ServiceError when the relay does not start."""
        if rtt_ms not in self._relays:
            self._relays[rtt_ms] = self._started(rtt_ms, log)
        _, port = self._relays[rtt_ms]
        return tls.through(self._server, port, self._identity().ca_file if tls.is_possible(self._server) else None).url

    def _identity(self) -> Identity:
        if self._own is None:
            self._own = self._stack.enter_context(tls.identity())
        return self._own

    def _started(self, rtt_ms: float, log: Path) -> tuple[Child, int]:
        port = ports.free()
        command = [sys.executable, "-m", "db.wire", "--listen", str(port), "--delay-ms", str(rtt_ms / 2)]
        # The relay passes the password on as it comes, and needs none itself.
        environment = {wire.SERVER: replace(self._server, password="").url}
        if tls.is_possible(self._server):
            environment[wire.CHAIN] = str(self._identity().chain_file)
        child = Child(command, log=log, cwd=catalogue.CHECKOUT, environment=environment, cpus=self._cpus)
        if not child.wait_until(lambda: ports.answers(port), START_TIMEOUT_S, POLL_EVERY_S):
            child.stop()
            raise ServiceError(f"the relay to the database did not start:\n{child.log_tail()}")
        return child, port

    def pids(self) -> list[int]:
        """The relays' processes."""
        return [child.pid for child, _ in self._relays.values()]

    def stop(self) -> None:
        """End all of them."""
        stop_all([child for child, _ in self._relays.values()])
        self._relays.clear()
        self._stack.close()
        self._own = None
