"""Reads the state of services and PostgreSQL once a second, while a page shows it."""

import os
import time
from collections.abc import Iterable
from contextlib import closing

import gevent
import psycopg

from db import activity, server
from db.address import dsn
from db.address.dsn import Dsn
from locustfiles import _figures
from locustfiles._backends import Owners, by_service
from locustfiles._http import Client
from locustfiles._table import BackendCounts, LiveTable, ServiceAnswers, table
from locustfiles._targets import url_of
from suite.errors import DatabaseError

EVERY_S = 1.0
CLOSED_AFTER_S = 5.0  # without a request for this long, the page is closed
TIMEOUT_S = 10.0  # a service that is computing or full answers /metrics late, too


class Live:
    """Polls these services and the database, each in a greenlet, from the first `look` until the page is closed."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(dict.fromkeys(names))
        self._looked = float("-inf")
        self._pollers: list[gevent.Greenlet] = []
        self._seen = [ServiceAnswers(name) for name in self._names]
        self._database = BackendCounts()

    def look(self) -> LiveTable:
        """The current table. The first call starts the polling, so its table is almost empty."""
        self._looked = time.monotonic()
        self._pollers = [one for one in self._pollers if not one.dead]
        if not self._pollers:
            self._seen = [ServiceAnswers(name) for name in self._names]
            self._pollers = [gevent.spawn(self._poll_service, seen) for seen in self._seen]
            self._pollers.append(gevent.spawn(self._poll_database))
        return table(self._seen, self._database, time.monotonic())

    def _is_page_open(self) -> bool:
        return time.monotonic() - self._looked < CLOSED_AFTER_S

    def _poll_service(self, seen: ServiceAnswers) -> None:
        client = Client(url_of(seen.name), timeout_s=TIMEOUT_S)
        while self._is_page_open():
            begun = time.monotonic()
            answer = client.request("GET", "/metrics")
            client.close()  # this connection must not count beside those of the load
            if answer.status == 200:
                try:
                    seen.answered(_figures.parse(answer.body.decode()), answer.end_ns / 1e9)
                except ValueError as error:
                    seen.failed(f"/metrics cannot be read: {error}")
            else:
                seen.failed(answer.error or f"/metrics: status {answer.status}")
            gevent.sleep(max(0.1, EVERY_S - (time.monotonic() - begun)))

    def _poll_database(self) -> None:
        owners = Owners({seen.name: url_of(seen.name) for seen in self._seen})
        while self._is_page_open():
            try:
                named = dsn.from_environment(os.environ)
                if named is None:
                    self._database = BackendCounts(problem="DATABASE_URL is not set where Locust was started")
                    return
                self._poll_backends(named, owners)
            except DatabaseError as error:
                self._database = BackendCounts(problem=str(error))
            except psycopg.Error as error:
                self._database = BackendCounts(problem=f"PostgreSQL: {type(error).__name__}")
            gevent.sleep(EVERY_S)

    def _poll_backends(self, named: Dsn, owners: Owners) -> None:
        with closing(server.connect(named)) as connection:
            while self._is_page_open():
                holders = activity.holders(connection)
                self._database = BackendCounts(by_service(holders, owners.of(holders)))
                gevent.sleep(EVERY_S)
