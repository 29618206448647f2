"""A small TCP relay for PostgreSQL's protocol: counts round trips and transactions, adds a delay, records messages.

It runs between a service and any server that is reached without TLS.
"""

import argparse
import asyncio
import ctypes
import os
import signal
import socket
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import TracebackType

from db.protocol import ENCRYPTION, WAITED_FOR, EndedTransactions, Listener, Message, Splitter

KEPT_BYTES = 500
BACKLOG = 512
CLOCK_MONOTONIC, TFD_NONBLOCK, TFD_TIMER_ABSTIME = 1, 0o4000, 1


class Relay:
    """Listens on a port of loopback and forwards all data, in a separate thread, until the block ends."""

    def __init__(
        self, host: str, port: int, *, listen: int = 0, delay_s: float = 0.0, listener: Listener | None = None
    ) -> None:
        """Relay to a server. Each direction takes `delay_s` longer. `listener` gets every message, in the thread."""
        self.target, self.delay_s, self.listener = (host, port), delay_s, listener
        self.round_trips = 0
        self.connections = 0
        self._transactions = defaultdict[int, EndedTransactions](EndedTransactions)
        self.transports: set[asyncio.BaseTransport] = set()
        self._listening = socket.create_server(("127.0.0.1", listen), backlog=BACKLOG)
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.SelectorEventLoop()
        self.line = DelayLine(self._loop, delay_s)
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

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

    @property
    def transactions(self) -> int:
        """How many have ended so far, on all connections."""
        return sum(one.count for one in list(self._transactions.values()))

    def observe(self, connection: int, messages: list[tuple[bytes, bytes]], at_ns: int, *, from_client: bool) -> None:
        """Count round trips and transactions, and call the listener for each message."""
        if from_client:
            self.round_trips += sum(kind in WAITED_FOR for kind, _ in messages)
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
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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
    """The client's end. It connects to the server, and keeps data that arrives before it is connected."""

    def __init__(self, relay: Relay) -> None:
        relay.connections += 1
        super().__init__(relay, relay.connections, from_client=True)
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the server."""
        super().connection_made(transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        server = Side(self.relay, self.number, from_client=False)
        try:
            host, port = self.relay.target
            await asyncio.get_running_loop().create_connection(lambda: server, host, port)
        except OSError:
            self.transport.abort()
            return
        server.other, self.other = self.transport, server.transport
        for data in self._early:
            self.relay.line.send(self.other, data)
        if self.transport.is_closing():
            server.transport.close()

    def data_received(self, data: bytes) -> None:
        """Refuse encryption, because the relay could not read it. The client continues without it."""
        if self.splitter.starting and data in ENCRYPTION:
            self.transport.write(b"N")
            return
        if self.other is None:
            self._early.append(data)
        super().data_received(data)


class DelayLine:
    """Delivers data `delay_s` later, in order. All connections share it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: float) -> None:
        self._loop, self._delay_ns = loop, round(delay_s * 1e9)
        self._in_flight: deque[tuple[int, asyncio.Transport, bytes | None]] = deque()
        self._timer = Timer(loop, self._arrive) if self._delay_ns else None

    def send(self, transport: asyncio.Transport, data: bytes | None) -> None:
        """Send data; None closes the connection."""
        if self._timer is None:
            _deliver(transport, data)
            return
        self._in_flight.append((time.monotonic_ns() + self._delay_ns, transport, data))
        if len(self._in_flight) == 1:
            self._timer.set(self._in_flight[0][0])

    def _arrive(self) -> None:
        now_ns = time.monotonic_ns()
        while self._in_flight and self._in_flight[0][0] <= now_ns:
            _, transport, data = self._in_flight.popleft()
            _deliver(transport, data)
        if self._in_flight and self._timer is not None:
            self._timer.set(self._in_flight[0][0])

    def close(self) -> None:
        """Deliver nothing more."""
        if self._timer is not None:
            self._timer.close()


def _deliver(transport: asyncio.Transport, data: bytes | None) -> None:
    if data is None:
        transport.close()
    elif not transport.is_closing():
        transport.write(data)


class _TimerSpec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """Calls back at a monotonic time, exact to some microseconds. The event loop's timers count whole milliseconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop, self._callback = loop, callback
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
            if self._fd < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create failed")
            loop.add_reader(self._fd, self._fire)

    def set(self, at_ns: int) -> None:
        """Call back at this time, or at once if it has passed."""
        if self._fd < 0:
            self._loop.call_later(max(0.0, (at_ns - time.monotonic_ns()) / 1e9), self._callback)
            return
        spec = _TimerSpec(0, 0, *divmod(at_ns, 1_000_000_000))
        self._libc.timerfd_settime(self._fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None)

    def _fire(self) -> None:
        os.read(self._fd, 8)
        self._callback()

    def close(self) -> None:
        """Cancel the timer for good."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1


def main() -> None:
    """`python -m db.wire HOST PORT --listen PORT --delay-ms MS`: relay until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m db.wire", description=main.__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--listen", type=int, required=True, help="port of 127.0.0.1 to listen on")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="added in each direction: half a round trip")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        Relay(given.host, given.port, listen=given.listen, delay_s=given.delay_ms / 1e3),
    ):
        signal.pause()


if __name__ == "__main__":
    main()
