"""Assigns PostgreSQL's backends to services, by the client's end of each connection."""

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
SEARCH_EVERY_S = 5.0  # a search through all processes takes milliseconds, in which no user sends


class Owners:
    """Knows the service of each connection. Pools keep their connections, so it searches rarely.

    On this machine, it goes by the local port of the service's process. If services have their own addresses, as in
    Compose, it goes by the address.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` has the URL of each service, by name."""
        hosts = {name: urlsplit(url).hostname or "" for name, url in urls.items()}
        self._hosts = {name: host for name, host in hosts.items() if host not in HERE}
        self._by_address: dict[str, str] = {}
        self._by_port: dict[int, str] = {}
        self._searched = float("-inf")

    def of(self, holders: Sequence[Holder]) -> list[str]:
        """The name of the service for each. Empty if it belongs to no service, or if the service is unknown."""
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
    """Names of services by the address of their host, without services that have no address or share one."""
    found: dict[str, list[str]] = {}
    for name, host in hosts.items():
        with suppress(OSError):  # the host is not running
            found.setdefault(socket.gethostbyname(host), []).append(name)
    return {address: names[0] for address, names in found.items() if len(names) == 1}


def search() -> dict[int, str]:
    """The name of the service for each local port of a connection on this machine.

    A service is recognised by the port on which it, or its parent process, listens. Processes that this one may not
    inspect are left out.
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
    """Connections by state for each service. Those of no known service have the empty name."""
    found: dict[str, Counter[str]] = {}
    for holder, name in zip(holders, owners, strict=True):
        found.setdefault(name, Counter())[holder.state] += 1
    return found
