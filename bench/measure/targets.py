"""Targets: running services that the user starts and stops. The harness only sees them from outside."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from bench.plan.address import host_and_port
from bench.plan.matrix import Setup
from bench.plan.note import Kind, Note
from suite.errors import ServiceError

PROC = Path("/proc")
LISTENING = "0A"
CONNECT_TIMEOUT_S = 5.0


def check_reachable(setup: Setup) -> None:
    """Raise ServiceError that names target, address and remedy unless the address accepts connections."""
    try:
        socket.create_connection(host_and_port(setup.url), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise ServiceError(
            f"target {setup.service} does not answer on {setup.url} ({why}): start it, or correct its address"
            f" (--target {setup.service}=URL)"
        ) from None


def on_this_machine(url: str) -> bool:
    """Whether the address is on this machine: a loopback address, or one of its network interfaces."""
    host, port = host_and_port(url)
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    own = {entry.address.partition("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback or one in own for one in found)


def processes(url: str) -> list[int]:
    """The pids of this machine that listen on the port of the address, with the workers that share its socket.

    Empty for a target on another machine. Also empty where the processes are not visible: those of other users and of
    containers, and all of them where there is no /proc.
    """
    if sys.platform != "linux" or not on_this_machine(url):
        return []
    _, port = host_and_port(url)
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    return sorted(
        int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit() and sockets & set(_open(folder))
    )


def notes(setup: Setup, service_cpus: tuple[int, ...]) -> list[Note]:
    """Notes for readers who compare with this target, one in a line."""
    name, url = setup.service, setup.url
    if not on_this_machine(url):
        return [Note(name, Kind.TARGET, f"{url} is not on this machine: the load goes there over the network")]
    found = processes(url)
    if not found:
        unseen = f"the process behind {url} cannot be seen, so its CPU time counts as that of other processes"
        remedy = "start it as the same user, outside a container; with verdict.strangers = 1, all cells are UNJUDGED"
        return [Note(name, Kind.TARGET, f"{unseen}; {remedy}")]
    cpus = set[int]().union(*map(_affinity, found))
    if not service_cpus or not cpus or cpus <= set(service_cpus):
        return []
    wanted, pids = ",".join(map(str, service_cpus)), " ".join(map(str, found))
    free = f"it may run on CPUs {','.join(map(str, sorted(cpus)))}, the suite's services on CPU {wanted} alone"
    remedy = f"for a fair comparison, start it with `taskset -c {wanted} ...` (pid {pids})"
    return [Note(name, Kind.TARGET, f"{free}: {remedy}")]


def _listening(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen on a port. See proc_net_tcp in the kernel documentation."""
    for name in ("tcp", "tcp6"):
        try:
            lines = (PROC / "self/net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open(process: Path) -> list[str]:
    found = list[str]()
    try:
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # it has just been closed
                found.append(str(entry.readlink()))
    except OSError:  # it has just ended, or it belongs to another user
        return []
    return found


def _affinity(pid: int) -> set[int]:
    try:
        return os.sched_getaffinity(pid) if sys.platform == "linux" else set()
    except OSError:
        return set()
