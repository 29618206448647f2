"""A server that says exactly what a test wants, byte by byte."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import gevent
import pytest

Script = Callable[["Peer"], None]


class Peer:
    """One accepted connection; `number` counts from 1."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock, self.number = sock, number

    def request(self) -> bytes:
        """The next request, body included; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self.sock.recv(65_536)
        return head + b"\r\n\r\n" + body

    def send(self, *parts: bytes) -> None:
        """Each part in a segment of its own."""
        for part in parts:
            self.sock.sendall(part)

    def pause(self, seconds: float) -> None:
        """Let what was sent go out first."""
        time.sleep(seconds)

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class RawServer:
    """Runs `script` for each connection, in threads that gevent knows nothing of."""

    def __init__(self, script: Script, host: str, tls: ssl.SSLContext | None) -> None:
        self._script, self._tls = script, tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.accepted = 0
        self._closing = False
        self.problems: list[BaseException] = []
        self._peers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._closing:
                sock.close()
                return
            self.accepted += 1
            self._peers.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, self.accepted), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._peers.append(sock)
            with sock:
                self._script(Peer(sock, number))
        except OSError:
            pass  # the client went away, which some tests are about
        except BaseException as error:  # noqa: BLE001  # shown by `close`, where the test sees it
            self.problems.append(error)

    def close(self) -> None:
        """End all connections and threads; raise what a script raised."""
        self._closing = True
        socket.create_connection(self._listener.getsockname()[:2]).close()  # wakes the accept
        for sock in self._peers:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "a script of the test's server does not end"
        self._listener.close()
        if self.problems:
            raise self.problems[0]


Serve = Callable[..., RawServer]
InGreenlet = Callable[..., Any]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server: `serve(script, host="127.0.0.1", tls=None)`."""
    with ExitStack() as stack:

        def start(script: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> RawServer:
            server = RawServer(script, host, tls)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def in_greenlet() -> InGreenlet:
    """Call something in a greenlet, as a simulated user would; never for longer than 10 s."""

    def call(function: Callable[..., Any], *args: Any) -> Any:
        with gevent.Timeout(10, AssertionError("the client hangs")):
            return gevent.spawn(function, *args).get()

    return call
