"""A lean HTTP/1.1 client for load: one keep-alive connection for each user, with gevent and httptools.

Locust's FastHttpUser uses several times as much CPU time for a request. Other differences matter for measuring: the
clock starts right before the request goes to the kernel, and stops when the answer is complete. Opening a connection
is no part of a latency, unless the request must be sent a second time: then the clock goes on from the first send. No
other greenlet runs between the clock and the send.
"""

import ssl
from time import perf_counter, perf_counter_ns
from typing import Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

import gevent

from locustfiles._address import address_of
from locustfiles._connection import ClosedWhileIdleError, Connection, Headers, HttpError, connect
from suite.records import TIMED_OUT

WATCH_EVERY_S = 0.5
IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})


class Answer(NamedTuple):
    """An answer. Without a usable answer, `status` is 0 and `error` has the reason. Times are monotonic."""

    status: int
    body: bytes
    start_ns: int
    end_ns: int
    error: str


class Client:
    """One user's connection to one base address. Two greenlets must not use it at once."""

    reconnects_of_all = 0  # of all clients of this process
    _of_hub: ClassVar["WeakKeyDictionary[Any, WeakSet[Client]]"] = WeakKeyDictionary()

    def __init__(
        self, base_url: str, *, timeout_s: float = 60.0, trusted: str = "", headers: Headers | None = None
    ) -> None:
        """Prepare. It connects on first use. Raises ValueError for an address that is not http:// or https://.

        `trusted`: certificates (PEM) to trust beside the system's. `headers` gets those of each answer.
        """
        self._address = address_of(base_url, trusted)
        self._headers = headers
        self._timeout_s = timeout_s
        self._deadline = float("inf")
        self._timed_out = False
        self._connection: Connection | None = None
        self.reconnects = 0
        hub = gevent.get_hub()
        if hub not in Client._of_hub:
            Client._of_hub[hub] = WeakSet()
            gevent.spawn(Client._watch, Client._of_hub[hub])
        Client._of_hub[hub].add(self)

    def connect(self) -> None:
        """Connect, unless it is connected. Raises HttpError."""
        if self._connection is None:
            try:
                self._connection = connect(self._address, self._timeout_s, self._headers)
            except OSError as error:
                raise HttpError(f"cannot connect: {reason(error)}") from error

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request and wait for the complete answer. `body` is sent as JSON. A bad answer raises nothing."""
        fresh = self._connection is None
        try:
            self.connect()
        except HttpError as error:
            now_ns = perf_counter_ns()
            return Answer(0, b"", now_ns, now_ns, str(error))
        message = self._address.message(method, path, body)
        self._timed_out = False
        self._deadline = perf_counter() + self._timeout_s
        start_ns = perf_counter_ns()
        try:
            try:
                status, content = self._exchange(message)
            except ClosedWhileIdleError:
                # The server had closed an idle connection. That is normal for keep-alive, and not an error.
                if fresh or method not in IDEMPOTENT or self._timed_out:
                    raise
                # The clock goes on: the server may have held the request before it closed the connection.
                deadline = self._deadline
                self.close()
                self.reconnects += 1
                Client.reconnects_of_all += 1
                self.connect()
                self._deadline = deadline
                status, content = self._exchange(message)
        except (HttpError, OSError) as error:
            end_ns = perf_counter_ns()
            self.close()
            why = f"{TIMED_OUT} {self._timeout_s:g} s" if self._timed_out else reason(error)
            return Answer(0, b"", start_ns, end_ns, why)
        except BaseException:
            self.close()  # the user is being stopped: a late answer must not count for the next request
            raise
        end_ns = perf_counter_ns()
        self._deadline = float("inf")
        if self._timed_out:
            self.close()  # aborted when the answer had already arrived, unread
        return Answer(status, content, start_ns, end_ns, "")

    def close(self) -> None:
        """Close the connection, if there is one. The next request opens another."""
        self._deadline = float("inf")
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, message: bytes) -> tuple[int, bytes]:
        connection = self._connection
        assert connection is not None  # noqa: S101  # `request` connected
        status, content, keep = connection.exchange(message)
        if not keep:
            self.close()
        return status, content

    def end_if_late(self, now: float) -> None:
        """Abort a request that takes too long."""
        if now > self._deadline and self._connection is not None:
            self._timed_out = True
            self._deadline = float("inf")
            self._connection.abort()

    @staticmethod
    def _watch(clients: "WeakSet[Client]") -> None:
        """Abort late requests. One greenlet for all clients of a thread costs less than a timer for every request."""
        while True:
            gevent.sleep(WATCH_EVERY_S)
            now = perf_counter()
            for client in list(clients):
                client.end_if_late(now)


def reason(error: Exception) -> str:
    """Why there is no answer, in a few words that are the same for the same cause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.reason}: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
