"""A lean HTTP/1.1 client for load: one keep-alive connection a user, gevent for waiting, httptools for parsing.

Locust's FastHttpUser spends several times as much CPU on a request. Differences that matter for measuring: the clock
starts right before the request is handed to the kernel and stops when the whole answer is there, setting up a
connection is never part of a latency, and no other greenlet runs between the clock and the send.
"""

import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from fcntl import ioctl
from functools import cache
from termios import FIONREAD
from time import perf_counter, perf_counter_ns
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakSet

import gevent
import httptools
from gevent import monkey
from gevent.socket import wait
from gevent.ssl import SSLContext

RECEIVE_BYTES = 65_536
WATCH_EVERY_S = 0.5
IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
FRAMED = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
NOTHING = bytes(4)

# gevent's own socket tries to receive before it waits: one more system call for every answer.
PlainSocket: Callable[..., socket.socket] = monkey.get_original("socket", "socket")


class HttpError(Exception):
    """A request that got no usable answer; the message is short and the same for the same cause."""


class Answer(NamedTuple):
    """What came back. `status` is 0 and `error` says why where nothing usable did; times are monotonic."""

    status: int
    body: bytes
    start_ns: int
    end_ns: int
    error: str


class Client:
    """One user's connection to one base address. Not for use by two greenlets at once."""

    _all: ClassVar["WeakSet[Client]"] = WeakSet()
    _watching = False

    def __init__(self, base_url: str, *, timeout_s: float = 60.0) -> None:
        """Prepare; connect on first use. Raises ValueError for an address that is not http:// or https://."""
        self._address = address_of(base_url)
        self._timeout_s = timeout_s
        self._deadline = float("inf")
        self._timed_out = False
        self._connection: _Connection | None = None
        self.reconnects = 0
        Client._all.add(self)
        if not Client._watching:
            Client._watching = True
            gevent.spawn(Client._watch)

    def connect(self) -> None:
        """Have a connection. Raises HttpError."""
        if self._connection is None:
            try:
                self._connection = _connect(self._address, self._timeout_s)
            except OSError as error:
                raise HttpError(f"cannot connect: {_reason(error)}") from error

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request and wait for the whole answer. `body` is sent as JSON. Never raises for a bad answer."""
        fresh = self._connection is None
        try:
            self.connect()
        except HttpError as error:
            now_ns = perf_counter_ns()
            return Answer(0, b"", now_ns, now_ns, str(error))
        message = self._message(method, path, body)
        self._timed_out = False
        self._deadline = perf_counter() + self._timeout_s
        start_ns = perf_counter_ns()
        try:
            try:
                status, content = self._exchange(message)
            except _ClosedWhileIdleError:
                # The server had closed a connection it thought idle: normal for keep-alive, not an error.
                if fresh or method not in IDEMPOTENT or self._timed_out:
                    raise
                deadline = self._deadline
                self.close()
                self.reconnects += 1
                self.connect()
                self._deadline, start_ns = deadline, perf_counter_ns()
                status, content = self._exchange(message)
        except (HttpError, OSError) as error:
            end_ns = perf_counter_ns()
            self.close()
            reason = f"no answer within {self._timeout_s:g} s" if self._timed_out else _reason(error)
            return Answer(0, b"", start_ns, end_ns, reason)
        except BaseException:
            self.close()  # the user is being stopped: what is still to come must not answer the next request
            raise
        end_ns = perf_counter_ns()
        self._deadline = float("inf")
        if self._timed_out:
            self.close()  # aborted while the answer was there already, unread
        return Answer(status, content, start_ns, end_ns, "")

    def close(self) -> None:
        """Close the connection, if there is one; the next request opens another."""
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

    def _message(self, method: str, path: str, body: bytes | None) -> bytes:
        common = self._address.header
        if body is None:
            return f"{method} {self._address.prefix}{path} HTTP/1.1\r\n{common}\r\n".encode()
        head = f"{method} {self._address.prefix}{path} HTTP/1.1\r\n{common}Content-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def end_if_late(self, now: float) -> None:
        """Abort a request whose time is up."""
        if now > self._deadline and self._connection is not None:
            self._timed_out = True
            self._deadline = float("inf")
            self._connection.abort()

    @classmethod
    def _watch(cls) -> None:
        """End what takes too long: one greenlet for all clients costs less than a timer for every request."""
        while True:
            gevent.sleep(WATCH_EVERY_S)
            now = perf_counter()
            for client in list(cls._all):
                client.end_if_late(now)


class Address(NamedTuple):
    """Where requests go: what to connect to, and what every request says."""

    host: str
    port: int
    tls: SSLContext | None
    prefix: str
    header: str


@cache
def address_of(base_url: str) -> Address:
    """Take a base URL apart. Raises ValueError that names it."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{base_url!r} is not the address of a service; write it as http://host:port")
    tls = _verifying() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    header = f"Host: {parts.netloc.rpartition('@')[2]}\r\nAccept: */*\r\nUser-Agent: locust\r\n"
    return Address(parts.hostname, port, tls, parts.path.rstrip("/"), header)


def _verifying() -> SSLContext:
    # Not create_default_context(): unless the process is patched it makes the standard library's, which blocks.
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


@cache
def _resolve(host: str, port: int) -> tuple[Any, ...]:
    """The address's socket addresses: one look-up for all users."""
    return tuple(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _connect(address: Address, timeout_s: float) -> "_Connection":
    *others, last = _resolve(address.host, address.port)
    for found in others:  # "localhost" is ::1 first, where a service that listens on 127.0.0.1 refuses
        with suppress(OSError):
            return _connect_to(found, address, timeout_s)
    return _connect_to(last, address, timeout_s)


def _connect_to(found: tuple[Any, ...], address: Address, timeout_s: float) -> "_Connection":
    family, kind, protocol, _, socket_address = found
    if address.tls is not None:
        plain = gevent.socket.create_connection(socket_address[:2], timeout_s)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = address.tls.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise
        secured.settimeout(None)
        return _TlsConnection(secured)
    raw = PlainSocket(family, kind, protocol)
    try:
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _reach(raw, socket_address, timeout_s)
    except BaseException:
        raw.close()
        raise
    return _PlainConnection(raw)


def _reach(raw: socket.socket, socket_address: Any, timeout_s: float) -> None:
    code = raw.connect_ex(socket_address)
    if code == EINPROGRESS:
        _wait_writable(raw, timeout_s)
        code = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:  # some are told at once, and only once: no route, no free local port
        raise OSError(code, os.strerror(code))


def _wait_writable(raw: socket.socket, timeout_s: float | None) -> None:
    with gevent.get_hub().loop.io(raw.fileno(), 2) as writable:
        wait(writable, timeout_s, TimeoutError("timed out"))


UNASKED = "more than one answer to one request"


class _ClosedWhileIdleError(HttpError):
    """The connection ended before the first byte of an answer."""


class _Connection:
    """Sends a request, parses the answer. Subclasses say how bytes go out and come in."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._complete = False
        self._keep = False

    # called by the parser; headers are not asked for, since nothing here needs them
    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_begin(self) -> None:
        if self._complete:
            raise HttpError(UNASKED)

    def on_message_complete(self) -> None:
        self._complete = self._parser.get_status_code() >= 200  # 1xx: the real answer follows
        # Asked now: once the message is over, the parser has forgotten.
        self._keep = self._parser.should_keep_alive()

    def has_unread(self) -> bool:
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        raise NotImplementedError

    def receive(self) -> bytes:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def exchange(self, message: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection can be used again. Raises HttpError or OSError."""
        if self.has_unread():
            raise HttpError(UNASKED)  # it would pass for the answer to this one
        try:
            self.send(message)
            data = self.receive()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _ClosedWhileIdleError("connection closed before the answer") from error
        if not data:
            raise _ClosedWhileIdleError("connection closed before the answer")
        parser, body, received = self._parser, self._body, [data]
        body.clear()
        while True:
            try:
                parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                cause = error.__context__  # what a callback of ours raised
                raise HttpError(str(cause) if isinstance(cause, HttpError) else "answer is not valid HTTP") from error
            if self._complete:
                self._complete = False
                return parser.get_status_code(), _joined(body), self._keep
            data = self.receive()
            if not data:
                if not _ends_with_connection(b"".join(received)):
                    raise HttpError("connection closed in the middle of the answer")
                return parser.get_status_code(), _joined(body), False
            received.append(data)


def _joined(parts: list[bytes]) -> bytes:
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _ends_with_connection(received: bytes) -> bool:
    """Whether an answer's head is whole and says nothing of a length: then the body goes on until the end."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if end and head[9:10] == b"1":
        return _ends_with_connection(rest)
    return bool(end) and FRAMED.search(head) is None


class _PlainConnection(_Connection):
    """Over a non-blocking socket, waiting for it before each receive."""

    def __init__(self, raw: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._fd = raw.fileno()
        self._readable = gevent.get_hub().loop.io(raw.fileno(), 1)

    def send(self, data: bytes) -> None:
        sent = self._raw.send(data)
        while sent < len(data):
            _wait_writable(self._raw, None)
            data = data[sent:]
            sent = self._raw.send(data)

    def has_unread(self) -> bool:
        return ioctl(self._fd, FIONREAD, NOTHING) != NOTHING

    def receive(self) -> bytes:
        wait(self._readable)
        return self._raw.recv(RECEIVE_BYTES)

    def abort(self) -> None:
        with suppress(OSError):  # the peer may have ended it just now
            self._raw.shutdown(socket.SHUT_RDWR)  # wakes the receive

    def close(self) -> None:
        self._readable.close()
        self._raw.close()


class _TlsConnection(_Connection):
    """Over gevent's TLS socket."""

    def __init__(self, secured: Any) -> None:
        super().__init__()
        self._secured = secured

    def send(self, data: bytes) -> None:
        self._secured.sendall(data)

    def has_unread(self) -> bool:
        return False  # unread bytes are no sign here: TLS sends some of its own

    def receive(self) -> bytes:
        return bytes(self._secured.recv(RECEIVE_BYTES))

    def abort(self) -> None:
        # Not its own `shutdown`, which takes the TLS away from under the receive that this is to wake.
        with suppress(OSError):
            gevent.socket.socket.shutdown(self._secured, socket.SHUT_RDWR)

    def close(self) -> None:
        self._secured.close()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
