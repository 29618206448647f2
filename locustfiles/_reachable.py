"""Waits until a service accepts connections: a load whose cell takes turns is started together with its service."""

from urllib.parse import SplitResult, urlsplit

import gevent
from gevent.event import Event

from db import ports
from suite import waiting

EVERY_S = 0.05
TIMEOUT_S = 60.0


class Reachable:
    """One user looks for all."""

    def __init__(self) -> None:
        self._there = Event()
        self._looking = False

    def wait(self, url: str) -> None:
        """Wait until the address accepts a connection, but at most for TIMEOUT_S."""
        if not self._looking:
            self._looking = True
            gevent.spawn(self._look, urlsplit(url))
        self._there.wait(TIMEOUT_S)

    def _look(self, place: SplitResult) -> None:
        host, port = place.hostname or ports.LOOPBACK, place.port or (443 if place.scheme == "https" else 80)
        waiting.until(lambda: ports.answers(port, host), TIMEOUT_S, EVERY_S, sleep=gevent.sleep)
        self._there.set()


SERVICE = Reachable()
"""The service of this process's users."""
