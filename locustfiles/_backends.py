"""PostgreSQL's backends by service: who holds the other end of each connection."""

import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil

from db.activity import Holder
from suite import catalogue

HERE = {"127.0.0.1", "localhost", "::1"}
SEARCH_EVERY_S = 5.0  # looking through every process's files takes milliseconds, in which no user is served


class Owners:
    """Knows whose a connection is. Pools keep their connections, so it seldom searches.

    On this machine by the port that a service's process has; where services have addresses of their own, as in Compose,
    by the address.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` are where services answer, by name."""
        hosts = {name: urlsplit(url).hostname or "" for name, url in urls.items()}
        self._hosts = {name: host for name, host in hosts.items() if host not in HERE}
        self._by_address: dict[str, str] = {}
        self._by_port: dict[int, str] = {}
        self._searched = float("-inf")

    def of(self, holders: Sequence[Holder]) -> list[str]:
        """The service's name for each; empty where it is no service's, or nobody knows."""
        found = [self._of(one) for one in holders]
        unknown = [one for one, name in zip(holders, found, strict=True) if not name and one.address]
        if not unknown or time.monotonic() - self._searched < SEARCH_EVERY_S:
            return found
        if self._hosts:
            self._by_address = resolved(self._hosts)
        else:
            self._by_port = search()
        self._searched = time.monotonic()
        return [self._of(one) for one in holders]

    def _of(self, holder: Holder) -> str:
        return self._by_address.get(holder.address, "") if self._hosts else self._by_port.get(holder.port, "")


def resolved(hosts: Mapping[str, str]) -> dict[str, str]:
    """Names of services by the address that each one's host has now; none of one that has no address, or shares it."""
    found: dict[str, list[str]] = {}
    for name, host in hosts.items():
        with suppress(OSError):  # it is not up
            found.setdefault(socket.gethostbyname(host), []).append(name)
    return {address: names[0] for address, names in found.items() if len(names) == 1}


def search() -> dict[int, str]:
    """The local ports of all connections that a service of this machine has, by the service's name.

    A service is known by the port that it, or the process that started it, listens on. Processes that this one may not
    look into are left out.
    """
    try:
        connections: list[Any] = psutil.net_connections("tcp")
    except psutil.Error:
        return {}
    by_port = {service.port: service.name for service in catalogue.services().values()}
    listening = {
        one.pid: by_port[one.laddr.port]
        for one in connections
        if one.status == psutil.CONN_LISTEN and one.laddr.port in by_port and one.pid
    }
    found: dict[int, str] = {}
    for one in connections:
        if one.status == psutil.CONN_ESTABLISHED and one.pid and (name := _service(one.pid, listening)):
            found[one.laddr.port] = name
    return found


def _service(pid: int, listening: Mapping[int, str]) -> str:
    if pid in listening:
        return listening[pid]
    try:
        return listening.get(psutil.Process(pid).ppid(), "")
    except psutil.Error:
        return ""


def by_service(holders: Sequence[Holder], owners: Sequence[str]) -> dict[str, Counter[str]]:
    """Connections by state for each service, and under the empty name those that are no service's, or nobody knows."""
    found: dict[str, Counter[str]] = {}
    for holder, name in zip(holders, owners, strict=True):
        found.setdefault(name, Counter())[holder.state] += 1
    return found
