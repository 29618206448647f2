"""One HTTP/1.1 connection, over a plain socket or TLS. It sends one request after the other."""

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
from typing import Any

import gevent
import httptools
from gevent import monkey
from gevent.socket import wait

from locustfiles._address import Address

RECEIVE_BYTES = 65_536
FRAMED = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
NOTHING = bytes(4)
SECOND_ANSWER = "more than one answer to one request"

# gevent's socket tries to receive before it waits: that costs one more system call for every answer.
PlainSocket: Callable[..., socket.socket] = monkey.get_original("socket", "socket")


Headers = dict[str, str]
"""Of an answer, by name in small letters."""


class HttpError(Exception):
    """A request without a usable answer. The message is short, and the same for the same cause."""


@cache
def _resolve(host: str, port: int) -> tuple[Any, ...]:
    """The socket addresses of a host and port, looked up once for all users."""
    return tuple(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def connect(address: Address, timeout_s: float, headers: Headers | None = None) -> "Connection":
    """Open a connection. Raises OSError; TimeoutError after `timeout_s`. `headers`: where those of answers go."""
    *others, last = _resolve(address.host, address.port)
    for found in others:  # "localhost" is first ::1, which fails for a service that listens on 127.0.0.1
        try:
            return _connect_to(found, address, timeout_s, headers)
        except ssl.SSLError:  # it was there; why it is not trusted must not be hidden by the next address
            raise
        except OSError:
            continue
    return _connect_to(last, address, timeout_s, headers)


def _connect_to(found: tuple[Any, ...], address: Address, timeout_s: float, headers: Headers | None) -> "Connection":
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
        return _TlsConnection(secured, headers)
    raw = PlainSocket(family, kind, protocol)
    try:
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _reach(raw, socket_address, timeout_s)
    except BaseException:
        raw.close()
        raise
    return _PlainConnection(raw, headers)


def _reach(raw: socket.socket, socket_address: Any, timeout_s: float) -> None:
    code = raw.connect_ex(socket_address)
    if code == EINPROGRESS:
        _wait_writable(raw, timeout_s)
        code = raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:  # some errors are reported at once, and only once: no route, no free local port
        raise OSError(code, os.strerror(code))


def _wait_writable(raw: socket.socket, timeout_s: float | None) -> None:
    with gevent.get_hub().loop.io(raw.fileno(), 2) as writable:
        wait(writable, timeout_s, TimeoutError("timed out"))


class ClosedWhileIdleError(HttpError):
    """The connection ended before the first byte of an answer."""


class Connection:
    """Sends a request and parses the answer. Subclasses send and receive the bytes."""

    def __init__(self, headers: Headers | None = None) -> None:
        if headers is not None:  # only verification needs them: a callback for each costs CPU time
            self._headers, self.on_header = headers, self._keep_header
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._complete = False
        self._keep = False

    # The parser calls these.
    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def _keep_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_begin(self) -> None:
        if self._complete:
            raise HttpError(SECOND_ANSWER)

    def on_message_complete(self) -> None:
        self._complete = self._parser.get_status_code() >= 200  # 1xx: the real answer follows
        # Read now: after the end of the message, the parser does not know it any more.
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
        """Send a message. Returns status, body, and whether the connection can be used again.

        Raises HttpError or OSError.
        """
        if self.has_unread():
            raise HttpError(SECOND_ANSWER)  # it would be taken for the answer to this request
        try:
            self.send(message)
            data = self.receive()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ClosedWhileIdleError("connection closed before the answer") from error
        if not data:
            raise ClosedWhileIdleError("connection closed before the answer")
        parser, body, received = self._parser, self._body, [data]
        body.clear()
        while True:
            try:
                parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                cause = error.__context__  # the error of one of our callbacks
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
    """Whether the head is complete and has no length: then the body ends with the connection."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if end and head[9:10] == b"1":
        return _ends_with_connection(rest)
    return bool(end) and FRAMED.search(head) is None


class _PlainConnection(Connection):
    """A connection over a non-blocking socket. It waits before each receive."""

    def __init__(self, raw: socket.socket, headers: Headers | None) -> None:
        super().__init__(headers)
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
        with suppress(OSError):  # the peer may have just closed it
            self._raw.shutdown(socket.SHUT_RDWR)  # wakes the receive

    def close(self) -> None:
        self._readable.close()
        self._raw.close()


class _TlsConnection(Connection):
    """A connection over gevent's TLS socket."""

    def __init__(self, secured: Any, headers: Headers | None) -> None:
        super().__init__(headers)
        self._secured = secured

    def send(self, data: bytes) -> None:
        self._secured.sendall(data)

    def has_unread(self) -> bool:
        return False  # unread bytes mean nothing here: they may belong to TLS itself

    def receive(self) -> bytes:
        return bytes(self._secured.recv(RECEIVE_BYTES))

    def abort(self) -> None:
        # Not its own `shutdown`: that removes TLS while the receive, which must wake up, still uses it.
        with suppress(OSError):
            gevent.socket.socket.shutdown(self._secured, socket.SHUT_RDWR)

    def close(self) -> None:
        self._secured.close()
