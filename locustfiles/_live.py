"""What services and PostgreSQL are doing, asked once a second while somebody looks."""

import os
import time
from contextlib import closing

import gevent
import psycopg

from db import activity, dsn, server
from db.dsn import Dsn
from locustfiles import _figures
from locustfiles._backends import Owners, by_service
from locustfiles._http import Client
from locustfiles._table import BackendCounts, LiveTable, ServiceAnswers, table
from locustfiles._targets import OFFERED, url_of
from suite.errors import DatabaseError

EVERY_S = 1.0
GONE_S = 5.0  # nobody has asked for so long: the page is closed
TIMEOUT_S = 10.0  # a service that computes or is full lets /metrics wait, too


class Live:
    """Asks each service and the database in a greenlet of its own, from the first look until nobody looks any more."""

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._asking: list[gevent.Greenlet] = []
        self._seen = [ServiceAnswers(name) for name in OFFERED]
        self._database = BackendCounts()

    def look(self) -> LiveTable:
        """What is known now. The first call begins to ask, so it knows little."""
        self._looked = time.monotonic()
        self._asking = [one for one in self._asking if not one.dead]
        if not self._asking:
            self._seen = [ServiceAnswers(name) for name in OFFERED]
            self._asking = [gevent.spawn(self._ask_service, seen) for seen in self._seen]
            self._asking.append(gevent.spawn(self._ask_database))
        return table(self._seen, self._database, time.monotonic())

    def _is_looked_at(self) -> bool:
        return time.monotonic() - self._looked < GONE_S

    def _ask_service(self, seen: ServiceAnswers) -> None:
        client = Client(url_of(seen.name), timeout_s=TIMEOUT_S)
        while self._is_looked_at():
            begun = time.monotonic()
            answer = client.request("GET", "/metrics")
            client.close()  # no connection of the load's is meant where connections are counted
            if answer.status == 200:
                try:
                    seen.answered(_figures.parse(answer.body.decode()), answer.end_ns / 1e9)
                except ValueError as error:
                    seen.failed(f"/metrics cannot be read: {error}")
            else:
                seen.failed(answer.error or f"/metrics: status {answer.status}")
            gevent.sleep(max(0.1, EVERY_S - (time.monotonic() - begun)))

    def _ask_database(self) -> None:
        owners = Owners({seen.name: url_of(seen.name) for seen in self._seen})
        while self._is_looked_at():
            try:
                named = dsn.from_environment(os.environ)
                if named is None:
                    self._database = BackendCounts(problem="DATABASE_URL is not set where Locust was started")
                    return
                self._follow(named, owners)
            except DatabaseError as error:
                self._database = BackendCounts(problem=str(error))
            except psycopg.Error as error:
                self._database = BackendCounts(problem=f"PostgreSQL: {type(error).__name__}")
            gevent.sleep(EVERY_S)

    def _follow(self, named: Dsn, owners: Owners) -> None:
        with closing(server.connect(named)) as connection:
            while self._is_looked_at():
                holders = activity.holders(connection)
                self._database = BackendCounts(by_service(holders, owners.of(holders)))
                gevent.sleep(EVERY_S)
