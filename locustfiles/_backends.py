"""PostgreSQL's backends by service: whose process holds the other end of each connection."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import psutil

from bench import catalogue

SEARCH_EVERY_S = 5.0  # looking through every process's files takes milliseconds, in which no user is served


class Owners:
    """Knows which service's process has which local port. Pools keep their connections, so it seldom searches."""

    def __init__(self) -> None:
        self._services: dict[int, str] = {}
        self._searched = float("-inf")

    def of(self, ports: Iterable[int]) -> Mapping[int, str]:
        """The service's name by port, for those that are known."""
        unknown = set(ports) - set(self._services) - {-1}
        if unknown and time.monotonic() - self._searched > SEARCH_EVERY_S:
            self._services = search()
            self._searched = time.monotonic()
        return self._services


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


def by_service(holders: Iterable[tuple[int, str]], owners: Mapping[int, str]) -> dict[str, Counter[str]]:
    """Connections by state for each service, and under the empty name those that are no service's, or nobody knows."""
    found: dict[str, Counter[str]] = {}
    for port, state in holders:
        found.setdefault(owners.get(port, ""), Counter())[state] += 1
    return found
