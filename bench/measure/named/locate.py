"""Finds the processes of a named PostgreSQL on this machine, and of a pooler before it. It takes no other for it.

The server says the pid of the backend of our own connection. That number alone proves nothing: it may be one of another
machine, or of a container, where pids are others. So the process must be a PostgreSQL in our own pid namespace that
started when the server says, and it must hold the server's end of that very connection.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.measure import targets
from bench.measure.named import sockets
from bench.measure.named.sockets import End
from db import server
from db.address.dsn import Dsn

PROC = Path("/proc")
NAME = "postgres"
NEAR_S = 2.0  # the kernel gives the time of its start in whole seconds
HIDDEN = (
    "its processes cannot be seen here (it is in a container, behind a forwarded port, or this system hides them), so"
    " its CPU time counts as that of strangers named postgres: let it run outside of containers, or leave the address"
    " out for a private one; with verdict.strangers = 1 it is measured anyway, and all cells are UNJUDGED"
)
REMOTE = "{host} is not on this machine; to know it, run bench there"


@dataclass(frozen=True)
class Found:
    """`postmaster` is the server's first process; `poolers` stand between it and its named address.

    `why_not`: why the server's processes are not known.
    """

    postmaster: int | None = None
    poolers: tuple[int, ...] = ()
    why_not: str = ""

    @property
    def pids(self) -> tuple[int, ...]:
        """All roots of the database's processes."""
        return () if self.postmaster is None else (self.postmaster, *self.poolers)


@dataclass(frozen=True)
class _Backend:
    """What the server says of the backend of our connection. `client` and `own` are None for a socket in a file."""

    pid: int
    started: float
    client: End | None
    own: End | None


_BACKEND = """
    SELECT pg_backend_pid(), extract(epoch FROM backend_start)::float8,
        host(client_addr), client_port, host(inet_server_addr()), inet_server_port()
    FROM pg_stat_get_activity(pg_backend_pid())
"""


def find(dsn: Dsn) -> Found:
    """The processes of this server. Raises DatabaseError if it cannot be reached."""
    if sys.platform != "linux":
        return Found(why_not="this system does not show which processes they are")
    with (
        server.explained(dsn, "asking for the process of a connection", "check the server's log"),
        closing(server.connect(dsn)) as conn,
    ):
        row = conn.execute(_BACKEND, prepare=False).fetchone()
        if row is None or row[1] is None:
            return Found(why_not=HIDDEN)
        pid, started, *ends = row
        client, own = (sockets.end(*pair) if pair[0] is not None else None for pair in (ends[:2], ends[2:]))
        backend = _Backend(pid, started, client, own)
        postmaster = _postmaster(backend)
        if postmaster is None or not _is_held(backend, conn, postmaster):
            return Found(why_not=_elsewhere(dsn))
        return Found(postmaster, _poolers(dsn, conn, backend, postmaster))


def _elsewhere(dsn: Dsn) -> str:
    here = dsn.host.startswith("/") or targets.on_this_machine(_url(dsn))
    return HIDDEN if here else REMOTE.format(host=dsn.host)


def _url(dsn: Dsn) -> str:
    return f"tcp://{f'[{dsn.host}]' if ':' in dsn.host else dsn.host}:{dsn.port}"


def _postmaster(backend: _Backend) -> int | None:
    """The parent of the process with the backend's pid, if both can be this server's."""
    try:
        process = psutil.Process(backend.pid)
        if not _is_postgres(process) or abs(process.create_time() - backend.started) > NEAR_S:
            return None
        parent = process.parent()
        return parent.pid if parent is not None and _is_postgres(parent) else None
    except (psutil.Error, OSError):
        return None


def _is_postgres(process: psutil.Process) -> bool:
    """Whether it is a PostgreSQL that has the pid that it knows itself by: in a container, that is another one."""
    lines = (PROC / str(process.pid) / "status").read_text(errors="replace").splitlines()
    known = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [str(process.pid)])
    return process.name() == NAME and known == [str(process.pid)]


def _is_held(backend: _Backend, conn: psycopg.Connection, postmaster: int) -> bool:
    """Whether the backend has the server's end of its connection, as far as this system shows it."""
    if backend.client is None or backend.own is None:
        peer = _peer(conn)  # of a pooler, or of the server itself
        return peer is None or peer != 0
    held = sockets.at(backend.own, backend.client)
    if held is None:
        return False  # it is in another network: that of a container
    by_backend = held.held_by(backend.pid)
    if by_backend is not None:
        return by_backend
    return held.uid == (PROC / str(postmaster)).stat().st_uid


def _peer(conn: psycopg.Connection) -> int | None:
    """The pid of the process that listens on the socket in a file that we are connected to; 0 if it is not seen here.

    None for a connection by TCP.
    """
    with closing(socket.socket(fileno=os.dup(conn.fileno()))) as ours:
        if ours.family != socket.AF_UNIX:
            return None
        told = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", told)[0])


def _ends(conn: psycopg.Connection) -> tuple[End, End]:
    """Ours, and that of whatever answers there."""
    with closing(socket.socket(fileno=os.dup(conn.fileno()))) as ours:
        return sockets.end(*ours.getsockname()[:2]), sockets.end(*ours.getpeername()[:2])


def _poolers(dsn: Dsn, conn: psycopg.Connection, backend: _Backend, postmaster: int) -> tuple[int, ...]:
    """Other processes that answer at the named address: everything that has to go through them is the database's."""
    peer = _peer(conn)
    if peer is not None:
        found: Iterable[int] = [peer]
    else:
        ours, its = _ends(conn)
        if (backend.client, backend.own) == (ours, its):
            return ()
        held = sockets.at(its, ours)
        found = {*targets.processes(_url(dsn)), *(sockets.holders(held) if held else ())}
    return tuple(sorted(pid for pid in found if pid not in {0, 1, os.getpid()} and not _is_below(pid, postmaster)))


def _is_below(pid: int, postmaster: int) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return postmaster in {pid, *(one.pid for one in process.parents())}
    return True  # it has ended
