"""Ports on loopback: finds free ones, and the processes that hold others."""

import socket

import psutil

LOOPBACK = "127.0.0.1"


def free() -> int:
    """A port on which no process listens now. Another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether a process accepts connections on this port of an address now."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def refusal(port: int, host: str = LOOPBACK) -> str | None:
    """Why this process cannot listen on a port (0: any) of an address, in the system's words. None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL and the servers of the services do
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError) as error:
            return getattr(error, "strerror", None) or str(error)
    return None


def holder(port: int) -> str:
    """The process that listens on a port, as " by NAME (pid N)". Empty if it is unknown."""
    try:
        connections = psutil.net_connections("tcp")
        listening = [c for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port]
        pid = next((c.pid for c in listening if c.pid), None)
        return f" by {psutil.Process(pid).name()} (pid {pid})" if pid else ""
    except psutil.Error:  # macOS shows them only to root
        return ""
