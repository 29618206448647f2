"""Reads pg_stat_activity four times a second: the state of each connection."""

from contextlib import closing
from types import TracebackType

import psycopg

from bench.measure.watch.poller import Poller
from db import activity, server
from db.address.dsn import Dsn
from suite.activity import Activity
from suite.errors import DatabaseError

EVERY_S = 0.25


class Watcher(Poller):
    """Reads until the end of the block, over its own connection, which no reading counts.

    An error of the server ends it early, and `problem` has the reason. Earlier readings are kept.
    """

    def __init__(self, dsn: Dsn) -> None:
        """Prepare to watch the database of `dsn`."""
        super().__init__()
        self._dsn = dsn
        self.readings: list[Activity] = []
        self.problem = ""

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        super().__exit__(*_)
        if self._thread.is_alive():
            self.problem = f"{self._dsn.redacted} does not answer"

    def _poll(self) -> None:
        try:
            # psycopg's own block would first end a transaction, and would raise for a lost connection.
            with closing(server.connect(self._dsn)) as connection:
                while not self._ended.is_set():
                    self.readings.append(activity.look(connection))
                    self._ended.wait(EVERY_S)
        except DatabaseError as error:
            self.problem = str(error)
        except psycopg.Error as error:
            self.problem = server.summary(error, self._dsn)
