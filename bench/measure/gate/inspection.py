"""Inspects a running service from outside: its processes, connections, /health and messages to PostgreSQL."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from bench.analysis.conversation import wire_facts
from bench.analysis.parity import ParityFacts
from bench.measure.gate import clients, counts
from bench.measure.gate.counts import CountedRequest
from bench.plan.matrix import Setup
from bench.plan.servers import SERVERS
from db.protocol import Message
from suite import prometheus, waiting
from suite.service import Service

SETTLE_S = 5.0  # for workers that are still starting: an answer of one does not mean that all are ready
POLL_EVERY_S = 0.1
USES = 6  # of each connection: psycopg 3 prepares a statement after five executions
SPARE = 2  # requests in addition to one for each connection
HELPER = "resource_tracker"  # a process that multiprocessing starts beside the workers of a server


@dataclass(frozen=True)
class ServerProcesses:
    """A setup's processes: the server, the number of workers, the number of connections to the database's port."""

    server: str | None
    workers: int
    connections: int | None


def server_processes(pid: int, database_port: int | None) -> ServerProcesses:
    """The processes of a service, from the pid of its first process. Without a port, connections are unknown."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    command = _command(parent)
    children = [one for one in family[1:] if not any(HELPER in word for word in _command(one))]
    server = next((one for one in SERVERS.values() if one.runs(command)), None)
    return ServerProcesses(
        server=server.name if server else None,
        workers=server.workers(len(children)) if server else len(children) or 1,
        connections=None if database_port is None else sum(_connections(one, database_port) for one in family),
    )


def processes_when_started(pids: Mapping[int, Setup], ports: Mapping[str, int]) -> dict[Setup, ServerProcesses]:
    """The processes of services, as soon as they agree with the plan. After `SETTLE_S`, as they are then.

    `ports` has the port by which each service reaches the database, where it is known.
    """
    return waiting.until(
        lambda: {setup: server_processes(pid, ports.get(setup.service)) for pid, setup in pids.items()},
        SETTLE_S,
        POLL_EVERY_S,
        enough=lambda found: all(map(_is_as_planned, found, found.values())),
    )


def _is_as_planned(setup: Setup, found: ServerProcesses) -> bool:
    return found.workers == setup.workers and found.connections in {
        None,
        setup.opened_at_start,
        setup.connections,  # a library that opens its overflow at the start keeps it; waiting would not help
    }


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):  # it has just ended
        return process.cmdline()
    return []


def _connections(process: psutil.Process, port: int) -> int:
    with suppress(psutil.Error):
        established = (one for one in process.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED)
        return sum(bool(one.raddr) and one.raddr.port == port for one in established)
    return 0


def point_reads(service: Service, pool_size: int, messages: Sequence[Message]) -> list[list[Message]]:
    """The messages of point reads, one read after the other, after some reads on every connection.

    `messages` are all messages of a relay. The list grows only by the reads of this function.
    """
    request = CountedRequest("GET", "/users/1")
    found = []
    with clients.client(service.url) as client:
        for _ in range(USES * pool_size):
            counts.perform(client, service, request)
        time.sleep(counts.SETTLE_S)
        for _ in range(pool_size + SPARE):
            before = len(messages)
            counts.perform(client, service, request)
            time.sleep(counts.SETTLE_S)
            found.append(list(messages[before:]))
    return found


def threads(service: Service) -> int | None:
    """How many threads a worker has for `def` endpoints. None for a service without such endpoints."""
    if service.mode != "sync":
        return None
    with clients.client(service.url) as client:
        found = prometheus.totals(client.get("/metrics").text)
    return int(found["threads"] / found["workers"])


def parity_facts(
    service: Service, health: Mapping[str, Any], processes: ServerProcesses, wire: wire_facts.Wire | None
) -> ParityFacts:
    """The facts that are compared between services. A service without a database has no facts about one."""
    pool = health["pool"] if service.needs_database else {}
    return ParityFacts(
        server=processes.server,
        workers=processes.workers,
        connections=processes.connections if service.needs_database else None,
        **(vars(wire) if wire else {}),
        profile=health["profile"],
        pool_size=pool.get("size"),
        pool_overflow=pool.get("overflow"),
        pool_timeout_s=pool.get("timeout_s"),
        threads=threads(service),
        gc=health["gc"],
        pooler=health["pooler"] if service.needs_database else None,
        event_loop=health["event_loop"],
        http_parser=health["http_parser"],
        versions=health["versions"],
    )
