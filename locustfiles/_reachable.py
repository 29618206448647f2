"""Waits until a service accepts connections: a load whose cell takes turns is started together with its service."""

from contextlib import suppress
from urllib.parse import urlsplit

import gevent
from gevent import socket
from gevent.event import Event

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
            gevent.spawn(self._look, url)
        self._there.wait(TIMEOUT_S)

    def _look(self, url: str) -> None:
        parts = urlsplit(url)
        while True:
            with suppress(OSError):
                socket.create_connection((parts.hostname, parts.port), timeout=EVERY_S * 10).close()
                break
            gevent.sleep(EVERY_S)
        self._there.set()


SERVICE = Reachable()
"""The service of this process's users."""
