"""Measures the memory of a service and of PostgreSQL's processes for it, with three numbers of each resource.

All but that number is the same at all points of a resource: the setup, the clients of each worker, their requests. So
what a client costs in the service is in all points of connections and threads, and in the slope of neither. A worker's
slope has the clients, connections and threads of one worker.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil

from bench.analysis.profiling.memory import MemoryPoint, Resource
from bench.measure import database
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate.encryption import local_ports
from bench.measure.profiling import crowd, footprint
from bench.measure.profiling.crowd import Crowd
from bench.plan.address import host_and_port
from bench.plan.matrix import NO_POOLER, Setup
from bench.plan.servers import SERVERS
from db import server as servers
from suite import prometheus, waiting
from suite.errors import ServiceError

ROUNDS = 3
VALUES: Mapping[Resource, tuple[int, ...]] = MappingProxyType(
    {"connection": (5, 10, 20), "thread": (10, 20, 40), "worker": (1, 2, 3)}
)
AXES: Mapping[Resource, str] = MappingProxyType({"connection": "pool_size", "thread": "threads", "worker": "workers"})
START_TIMEOUT_S = 30.0
# The service's own connections are known by their ports. A session may keep to itself what it does ('disabled').
_BACKENDS = """
    SELECT pid, coalesce(query_start > %s, false) OR state = 'disabled' FROM pg_stat_activity
    WHERE datname = current_database() AND client_port = ANY (%s)
"""


def measured(
    setup: Setup, server: Database, users: int, folder: Path, step: Callable[[str], None], rounds: int = ROUNDS
) -> tuple[MemoryPoint, ...]:
    """Start the service with each of three connections, threads and workers, load it, and read its memory.

    The order is drawn in each round. `users` is the number in the dataset, logs go to `folder`, and `step` receives a
    line before each point, and one for whatever is not measured. Raises ServiceError when the service fails or cannot
    be filled, DatabaseError for too few free connections, and what `Fleet.start` raises.
    """
    asked = points_of(setup)
    for line in left_out(setup, server):
        step(line)
    database.check_connections(server, max((one.connections for one in asked), default=0))
    found: list[MemoryPoint] = []
    clients = max((_clients(one) for one in asked), default=0)
    for number in range(1, rounds + 1):
        order = random.sample(list(asked), len(asked))
        for place, one in enumerate(order, 1):
            step(f"round {number} of {rounds}, point {place} of {len(order)}: {_in_words(one)}")
            log = folder / f"{one.service}-{number}-{place}.log"
            memory = _memory(one, server, users, clients, log)
            found += [MemoryPoint(of, value, number, *memory) for of, value in asked[one]]
    return tuple(found)


def points_of(setup: Setup) -> dict[Setup, list[tuple[Resource, int]]]:
    """Each setup to start, and which points it is: one may be a point of several resources, and is measured once."""
    found: dict[Setup, list[tuple[Resource, int]]] = {}
    for of, why_not in _reasons(setup).items():
        for value in () if why_not else VALUES[of]:
            one = _with(setup, of, value)
            found.setdefault(one, []).append((of, value))
    return found


def _with(setup: Setup, of: Resource, value: int) -> Setup:
    chosen: Any = {AXES[of]: value}
    return replace(setup, **chosen)


def left_out(setup: Setup, server: Database) -> Iterator[str]:
    """What is not measured, and what is not PSS, each in a line with the reason."""
    yield from (f"{setup.service}: no memory of a {of}: {why}" for of, why in _reasons(setup).items() if why)
    if why := _unseen(setup, server):
        yield f"{setup.service}: no memory of PostgreSQL: {why}"
    if footprint.KIND != "PSS":
        yield f"{setup.service}: memory is {footprint.KIND}: this system gives no PSS, so shared memory counts twice"


def _reasons(setup: Setup) -> dict[Resource, str]:
    """Why a resource is not measured; empty where it is."""
    service, one_worker = setup.described, not SERVERS[setup.server].takes_workers
    threads = "" if service.mode == "sync" else "its endpoints are async and run on none"
    if not threads and not service.answers([crowd.HOLDS]):
        threads = f"without {crowd.HOLDS}, nothing makes it use all of its threads"
    return {
        "connection": "" if setup.connections else "it has none",
        "thread": threads,
        "worker": f"{setup.server} has one worker" if one_worker else "",
    }


def _unseen(setup: Setup, server: Database) -> str:
    """Why the processes of its connections cannot be read; empty where they may be."""
    if not setup.connections:
        return "it has no connection"
    if setup.pooler != NO_POOLER or server.pooler is not None:
        return "a pooler is before it, so its connections are not the service's own"
    if server.dsn.host.startswith("/"):
        return "it is reached by a socket in the file system, where connections have no ports"
    return "" if server.pid is not None else server.unseen or "it does not run on this machine"


def _clients(setup: Setup) -> int:
    """How many clients at once use all threads and connections of one worker."""
    return max(setup.threads, setup.pool_size + setup.pool_overflow)


def _in_words(setup: Setup) -> str:
    threads = f", {setup.threads} threads" if setup.described.mode == "sync" else ""
    connections = f", {setup.pool_size} connections" if setup.connections else ""
    return f"{setup.workers} worker{'s' * (setup.workers > 1)}{connections}{threads}"


def _memory(setup: Setup, server: Database, users: int, clients: int, log: Path) -> tuple[float, float | None]:
    """The memory of one setup with so many clients at each worker, and of PostgreSQL's processes for it, in MB."""
    with Fleet(FleetSettings(server.dsn.url, users, ()), calls=False) as fleet:
        fleet.start({setup: log})
        [pid] = fleet.pids()
        _wait_for_workers(fleet.url(setup), setup)
        seen = _Seen(setup, server, pid, fleet.url(setup))
        all_clients = Crowd(fleet.url(setup), setup.described, users)
        return all_clients.loaded(setup.workers, clients, seen.accepted, seen.is_full, seen.memory)


def _wait_for_workers(url: str, setup: Setup) -> None:
    def workers() -> float:
        return prometheus.totals(httpx.get(f"{url}/metrics", trust_env=False).text)["workers"]

    try:
        found = waiting.until(workers, START_TIMEOUT_S, enough=lambda there: there >= setup.workers)
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise ServiceError(f"{setup.service} does not report its workers on {url}/metrics: {error!r}") from None
    if found < setup.workers:
        raise ServiceError(f"{found:g} of {setup.workers} workers of {setup.service} started in {START_TIMEOUT_S:g} s")


@dataclass(frozen=True)
class _Backends:
    """PostgreSQL's processes behind the connections of a service, and how many of them worked since the load began."""

    pids: Sequence[int]
    used: int


class _Seen:
    """The processes of a service that has just started, and those of PostgreSQL for it."""

    def __init__(self, setup: Setup, server: Database, pid: int, url: str) -> None:
        self._setup, self._server, self._root = setup, server, psutil.Process(pid)
        self._port = host_and_port(url)[1]
        self._watched = not _unseen(setup, server)
        with servers.connect(server.dsn) as connection:
            [(self._began,)] = connection.execute("SELECT clock_timestamp()")
        self._threads = self._threads_now()

    def is_full(self) -> bool:
        """Whether every worker has all its threads, and every connection was used."""
        if self._setup.described.mode == "sync":
            now = self._threads_now()
            more = sorted((count - self._threads.get(pid, 0) for pid, count in now.items()), reverse=True)
            if more[self._setup.workers - 1] < self._setup.threads:
                return False
        backends = self._backends()
        return backends is None or backends.used == len(backends.pids) >= self._setup.opened_at_start

    def accepted(self) -> dict[int, int]:
        """The process that has accepted each connection of a client, by the client's port."""
        return {
            held.raddr.port: one.pid
            for one in self._family()
            for held in one.net_connections("tcp")
            if held.raddr and held.laddr.port == self._port
        }

    def memory(self) -> tuple[float, float | None]:
        """Of both, in MB."""
        service = footprint.of_processes(one.pid for one in self._family())
        if service is None:
            raise ServiceError(f"the memory of {self._setup.service} may not be read")
        backends = self._backends()
        return service, footprint.of_processes(backends.pids) if backends else None

    def _family(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def _threads_now(self) -> dict[int, int]:
        return {one.pid: one.num_threads() for one in self._family()}

    def _backends(self) -> _Backends | None:
        """None where they cannot be seen, also when those pids are of another machine or namespace."""
        if not self._watched:
            return None
        ports = list(local_ports(self._root.pid, self._server.dsn.port))
        with servers.connect(self._server.dsn) as connection:
            rows = connection.execute(_BACKENDS, [self._began, ports]).fetchall()
        here = {one.pid for one in psutil.Process(self._server.pid).children()}
        pids = [pid for pid, _ in rows]
        return _Backends(pids, sum(used for _, used in rows)) if pids and here.issuperset(pids) else None
