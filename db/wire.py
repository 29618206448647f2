"""A small relay for PostgreSQL's protocol: counts round trips and transactions, adds a delay, records messages.

It runs between a service and any server, reached by TCP, with or without TLS, or by a socket in the file system.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from collections import defaultdict
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from types import TracebackType

from db import tls
from db.address import dsn as dsns
from db.address.dsn import Dsn
from db.delay import DelayLine
from db.ports import LOOPBACK
from db.protocol import (
    ACCEPTED,
    GSS_REQUEST,
    REFUSED,
    TLS_REQUEST,
    EndedTransactions,
    Listener,
    Message,
    RoundTrips,
    Splitter,
)
from db.tls import Identity

KEPT_BYTES = 500
BACKLOG = 512
CONNECT_TIMEOUT_S = 10.0
SERVER, CHAIN = "RELAYED_DATABASE_URL", "RELAY_CERTIFICATE"
"""Variables of `python -m db.wire`: other users of the machine can read a command line."""


class Relay:
    """Listens on a port of loopback and forwards all data, in a separate thread, until the block ends."""

    def __init__(
        self,
        dsn: Dsn,
        *,
        listen: int = 0,
        delay_s: float = 0.0,
        listener: Listener | None = None,
        own: Identity | None = None,
    ) -> None:
        """Relay to a server. Each direction takes `delay_s` longer. `listener` gets every message, in the thread.

        `own` is the relay's certificate; without one, it makes one. Raises DatabaseError for a certificate file of the
        address that cannot be used.
        """
        self.server, self.delay_s, self.listener = dsn, delay_s, listener
        self.connections = 0
        self._round_trips = defaultdict[int, RoundTrips](RoundTrips)
        self._transactions = defaultdict[int, EndedTransactions](EndedTransactions)
        self.transports: set[asyncio.BaseTransport] = set()
        self._stack = ExitStack()
        self._own = own
        if tls.is_possible(dsn):
            self._own = own or self._stack.enter_context(tls.identity())
            self.to_server, self.to_clients = tls.to_server(dsn), tls.to_clients(self._own.chain_file)
        self._listening = socket.create_server((LOOPBACK, listen), backlog=BACKLOG)
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.SelectorEventLoop()
        self.line = DelayLine(self._loop, delay_s)
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @property
    def dsn(self) -> Dsn:
        """The address for clients."""
        return tls.through(self.server, self.port, self._own.ca_file if self._own else None)

    def __enter__(self) -> "Relay":
        serving = self._loop.create_server(lambda: FromClient(self), sock=self._listening)
        self._server = self._loop.run_until_complete(serving)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for transport in list(self.transports):
            transport.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self.line.close()
        self._loop.close()
        self._stack.close()

    @property
    def round_trips(self) -> int:
        """How many so far, on all connections."""
        return sum(one.count for one in list(self._round_trips.values()))

    @property
    def transactions(self) -> int:
        """How many have ended so far, on all connections."""
        return sum(one.count for one in list(self._transactions.values()))

    def observe(self, connection: int, messages: list[tuple[bytes, bytes]], at_ns: int, *, from_client: bool) -> None:
        """Count round trips and transactions, and call the listener for each message."""
        if from_client:
            self._round_trips[connection].sent(kind for kind, _ in messages)
            self._transactions[connection].sent(kind for kind, _ in messages)
        else:
            self._transactions[connection].answered(messages)
        if self.listener is not None:
            for kind, body in messages:
                self.listener(Message(at_ns, connection, from_client, kind, body[:KEPT_BYTES]))


class Side(asyncio.Protocol):
    """One end of a relayed connection. Data that it receives goes to `other`."""

    transport: asyncio.Transport

    def __init__(self, relay: Relay, number: int, *, from_client: bool) -> None:
        self.relay, self.number, self.from_client = relay, number, from_client
        self.splitter = Splitter(from_client=from_client)
        self.other: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport. Small messages must not wait for each other."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # always one for a stream
        self.transport = transport
        self.relay.transports.add(transport)
        if (end := transport.get_extra_info("socket")).family != socket.AF_UNIX:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _: Exception | None) -> None:
        """Close the other end, after all data that was received before."""
        self.relay.transports.discard(self.transport)
        if self.other is not None:
            self.relay.line.send(self.other, None)

    def data_received(self, data: bytes) -> None:
        """Forward the data first, then parse it. The time is taken before: the receiver may answer very soon."""
        at_ns = time.perf_counter_ns()
        if self.other is not None:
            self.relay.line.send(self.other, data)
        self.relay.observe(self.number, self.splitter.feed(data), at_ns, from_client=self.from_client)


class FromClient(Side):
    """The client's end. Its first message decides how the server is reached: with TLS if the client asks for it."""

    def __init__(self, relay: Relay) -> None:
        relay.connections += 1
        super().__init__(relay, relay.connections, from_client=True)
        self._early: list[bytes] = []
        self._reaching: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Reach the server at the first data, and keep what arrives until then."""
        if data == GSS_REQUEST:
            self.transport.write(REFUSED)  # the client continues without
            return
        if self._reaching is None:
            encrypted = data == TLS_REQUEST
            if encrypted:
                self.transport.pause_reading()  # what follows is for the handshake
            self._reaching = asyncio.get_running_loop().create_task(self._reach_or_end(encrypted=encrypted))
            if encrypted:
                return
        if self.other is None:
            self._early.append(data)
        super().data_received(data)

    async def _reach_or_end(self, *, encrypted: bool) -> None:
        try:
            await self._reach(encrypted=encrypted)
        except OSError as error:  # ssl.SSLError is one
            print(f"the relay cannot reach {self.relay.server.redacted}: {error}", file=sys.stderr, flush=True)
            self.transport.abort()

    async def _reach(self, *, encrypted: bool) -> None:
        loop, relay = asyncio.get_running_loop(), self.relay
        connection = await _connected(relay.server)
        answer = REFUSED
        if encrypted:
            await loop.sock_sendall(connection, TLS_REQUEST)
            answer = await loop.sock_recv(connection, 1) or REFUSED
        accepted = answer == ACCEPTED
        server = Side(relay, self.number, from_client=False)
        await loop.create_connection(
            lambda: server,
            sock=connection,
            ssl=relay.to_server if accepted else None,
            server_hostname=relay.server.host if accepted else None,
        )
        if encrypted:
            self.transport.write(answer)
        if accepted:
            secure = await loop.start_tls(self.transport, self, relay.to_clients, server_side=True)
            assert isinstance(secure, asyncio.Transport)  # noqa: S101  # always one for a stream
            relay.transports.discard(self.transport)
            relay.transports.add(secure)
            self.transport = secure
        server.other, self.other = self.transport, server.transport
        for data in self._early:
            relay.line.send(self.other, data)
        if self.transport.is_closing():
            server.transport.close()
        elif encrypted and not accepted:
            self.transport.resume_reading()


async def _connected(dsn: Dsn) -> socket.socket:
    """A connection to the server, not blocking, which has sent nothing yet."""
    loop = asyncio.get_running_loop()
    if dsn.host.startswith("/"):
        found = socket.socket(socket.AF_UNIX)
        found.setblocking(False)
        await loop.sock_connect(found, f"{dsn.host}/.s.PGSQL.{dsn.port}")
    else:
        where = dsn.host, dsn.port
        found = await loop.run_in_executor(None, lambda: socket.create_connection(where, CONNECT_TIMEOUT_S))
        found.setblocking(False)
    return found


def main() -> None:
    """`python -m db.wire --listen PORT --delay-ms MS`: relay until SIGTERM or Ctrl-C.

    RELAYED_DATABASE_URL is the server, RELAY_CERTIFICATE the file of the relay's own certificate and key.
    """
    parser = argparse.ArgumentParser(prog="python -m db.wire", description=main.__doc__)
    parser.add_argument("--listen", type=int, required=True, help="port of 127.0.0.1 to listen on")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="added in each direction: half a round trip")
    given = parser.parse_args()
    if not (url := os.environ.get(SERVER)):
        sys.exit(f"{SERVER} names no server")
    chain = os.environ.get(CHAIN)
    own = Identity(Path(), Path(chain)) if chain else None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        Relay(dsns.parse(url), listen=given.listen, delay_s=given.delay_ms / 1e3, own=own),
    ):
        signal.pause()


if __name__ == "__main__":
    main()
