"""Relays between services and PostgreSQL that add a delay to every round trip, as a network would."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.measure.fleet.processes import Child, stop_all
from db import ports
from db.address import dsn
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

    def url(self, rtt_ms: float, log: Path) -> str:
        """The server's URL with this round trip time. Raises ServiceError when the relay does not start."""
        if rtt_ms not in self._relays:
            self._relays[rtt_ms] = self._started(rtt_ms, log)
        _, port = self._relays[rtt_ms]
        return replace(self._server, host="127.0.0.1", port=port).url

    def _started(self, rtt_ms: float, log: Path) -> tuple[Child, int]:
        host, port = self._server.host, ports.free()
        if host.startswith("/"):
            raise ServiceError(f"database_rtt_ms needs a server that is reached by TCP, not by the socket in {host}")
        command = ["-m", "db.wire", host, str(self._server.port), "--listen", str(port), "--delay-ms", str(rtt_ms / 2)]
        child = Child([sys.executable, *command], log=log, cwd=catalogue.CHECKOUT, environment={}, cpus=self._cpus)
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
