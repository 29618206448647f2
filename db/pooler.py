"""Finds out whether a pooler stands before PostgreSQL, which one, and when it changes the connection to the server.

A client sees a pooler by its keys: the pid that comes with the key for cancelling is not that of the server's process.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from select import select

import psycopg

from db import server
from db.address.dsn import Dsn
from suite.errors import DatabaseError

PGBOUNCER, SUPAVISOR, RDS_PROXY, UNKNOWN = "PgBouncer", "Supavisor", "RDS Proxy", "a pooler"
CLIENTS = 3  # open at once
LOOKS = 4  # at each of them, in turns
PATIENCE_S = 5.0
# A setting of an extension that does not exist. PostgreSQL takes it.
UNKNOWN_SETTING = "-c fastapi_postgres_bench.is_there_a_pooler=1"
REFUSED_BY_PGBOUNCER = "unsupported startup parameter"
_HOSTS = (
    (re.compile(r"\.pooler\.supabase\.com$"), SUPAVISOR),
    (re.compile(r"\.proxy-[^.]+\..*\.rds\.amazonaws\.com"), RDS_PROXY),
)


@dataclass(frozen=True)
class Pooler:
    """The pooler at an address. `shares`: each transaction (or statement) may get another connection to the server."""

    name: str
    shares: bool

    def __str__(self) -> str:
        return f"{self.name} in {'transaction' if self.shares else 'session'} mode"


def find(dsn: Dsn) -> Pooler | None:
    """The pooler at this address. None if it is PostgreSQL itself.

    It is known to share connections when two clients that are open at once get the same server process, or when that of
    one client changes. Raises DatabaseError.
    """
    with (
        server.explained(dsn, "looking for a pooler", "check the server's log, and the pooler's"),
        ExitStack() as stack,
    ):
        first = stack.enter_context(closing(server.connect(dsn)))
        backend = _backend(first)
        if backend == first.info.backend_pid:
            return None
        others = [stack.enter_context(closing(server.connect(dsn))) for _ in range(CLIENTS - 1)]
        shares = _shared([first, *others])
        row = first.execute("SELECT current_user").fetchone() if shares else None
    return Pooler(_name(dsn, str(row[0]) if row else ""), shares)


def _shared(clients: list[psycopg.Connection]) -> bool:
    owners: dict[int, psycopg.Connection] = {}
    had: dict[psycopg.Connection, int] = {}
    for client, backend in _seen(clients):
        if backend is None:  # it waits until another client has closed: the pool is full, and each keeps what it has
            return False
        if owners.setdefault(backend, client) is not client or had.setdefault(client, backend) != backend:
            return True
    return False


def _seen(clients: list[psycopg.Connection]) -> Iterator[tuple[psycopg.Connection, int | None]]:
    for _ in range(LOOKS):
        for client in clients:
            yield client, _backend(client)


def _backend(client: psycopg.Connection) -> int | None:
    """The server process that answers. None if none does in time, because no connection to the server is free."""
    client.pgconn.send_query(b"SELECT pg_backend_pid()")
    client.pgconn.flush()
    found, deadline = None, time.monotonic() + PATIENCE_S
    while True:
        while client.pgconn.is_busy():
            if not select([client.pgconn.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            client.pgconn.consume_input()
        if (result := client.pgconn.get_result()) is None:
            return found
        if result.error_message:
            raise psycopg.OperationalError(result.get_error_message())
        found = int(result.get_value(0, 0) or 0)


def _name(dsn: Dsn, server_role: str) -> str:
    """Which pooler it is, as far as that can be known from its address and its answers."""
    for host, name in _HOSTS:
        if host.search(dsn.host):
            return name
    if "." in dsn.user and dsn.user.rpartition(".")[0] == server_role:
        return SUPAVISOR  # its users are USER.TENANT, and the server knows USER
    return PGBOUNCER if _refuses_unknown_settings(dsn) else UNKNOWN


def _refuses_unknown_settings(dsn: Dsn) -> bool:
    try:
        server.connect(dsn, options=UNKNOWN_SETTING).close()
    except DatabaseError as error:
        return REFUSED_BY_PGBOUNCER in str(error)
    return False
