"""Ports on loopback: free ones, and who has the others."""

import socket

import psutil

from suite.errors import DatabaseError

LOOPBACK = "127.0.0.1"


def free() -> int:
    """A port nobody listens on now; somebody may by the time it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody on loopback accepts connections on this port now."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def refuse_taken(port: int) -> None:
    """Raise DatabaseError when the port cannot be listened on, naming who holds it where that can be known."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise DatabaseError(
                f"port {port} on {LOOPBACK} is taken{holder(port)} ({error.strerror}): free it for the private"
                " PostgreSQL, or leave out the port to use a free one"
            ) from None


def holder(port: int) -> str:
    """Who listens on a port, as " by NAME (pid N)"; empty where that cannot be known."""
    try:
        connections = psutil.net_connections("tcp")
        listening = [c for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port]
        pid = next((c.pid for c in listening if c.pid), None)
        return f" by {psutil.Process(pid).name()} (pid {pid})" if pid else ""
    except psutil.Error:  # macOS shows them to root alone
        return ""
