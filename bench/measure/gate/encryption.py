"""What encrypts each service's connections to PostgreSQL, as PostgreSQL itself says: without the relay between them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan.matrix import Setup
from db import server as servers
from db import tls

NONE = "none"
_IN_USE = """
    SELECT activity.client_port, tls.ssl, tls.version, tls.cipher
    FROM pg_stat_ssl AS tls JOIN pg_stat_activity AS activity USING (pid)
    WHERE activity.client_port = ANY (%s)
"""


def in_use(
    settings: FleetSettings, server: Database, batches: Sequence[Sequence[Setup]], logs: Path
) -> Mapping[Setup, str]:
    """The version of TLS and the cipher of each setup's connections, or NONE. Without an entry it is not known.

    The services are started once more for it, on the server's own address, unless the server speaks no TLS. Behind a
    pooler, PostgreSQL does not know it.
    """
    own = [setup for batch in batches for setup in batch if setup.described.needs_database]
    if not _offered(server):
        return dict.fromkeys(own, NONE)
    if server.pooler is not None:
        return {}
    found = dict[Setup, str]()
    with Fleet(settings, calls=False) as fleet:
        for batch in batches:
            asked = {setup: log_of(logs, setup, "tls") for setup in batch if setup in own}
            fleet.stop()
            fleet.start(asked)
            found |= {setup: said for pid, setup in fleet.pids().items() if (said := _said(server, pid))}
    return found


def log_of(logs: Path, setup: Setup, *more: str) -> Path:
    """The log of a setup while it is verified."""
    words = [setup.service, *setup.runs_as.replace(", ", "-").split(), *more]
    return logs / f"{'-'.join(words)}.log"


def _offered(server: Database) -> bool:
    """Whether our own connection is encrypted. With these settings, no service's is without the server's offer."""
    if not tls.is_possible(server.dsn):
        return False
    with servers.connect(server.dsn) as connection:
        return connection.pgconn.ssl_in_use


def _said(server: Database, pid: int) -> str:
    """What PostgreSQL says of the connections of a process and its children; empty where it does not know them."""
    ports = list(local_ports(pid, server.dsn.port))
    with servers.connect(server.dsn) as connection:
        rows = connection.execute(_IN_USE, [ports]).fetchall()
    kinds = dict.fromkeys(f"{version}, {cipher}" if encrypted else NONE for _, encrypted, version, cipher in rows)
    return " and ".join(kinds)


def local_ports(pid: int, port: int) -> Iterator[int]:
    """The own ports of the TCP connections that a process and its children have to this port."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            for connection in one.net_connections("tcp"):
                if connection.raddr and connection.raddr.port == port:
                    yield connection.laddr.port
