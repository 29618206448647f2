"""A server that does almost nothing, so that a measurement shows the load generator alone.

`python -m bench.selfbench.null_server --port P [--delay-ms MS | --work-us US] [--tally FILE]` answers every GET with
user 1 of the dataset, in the format of the services: at once, after a constant delay, or after some CPU work.
"""

import argparse
import asyncio
import signal
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter_ns
from typing import Any, cast

import uvloop

from bench.selfbench.tally import ACCEPTED, ANSWERED, OPEN, Tally
from db.data import dataset
from services.contract.models import User

BACKLOG = 4096
END = b"\r\n\r\n"
BODY = User(**dataset.user(1)._asdict()).model_dump_json().encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n%s" % (len(BODY), BODY)
# The timers of the loop count in milliseconds: the timer fires this much early, and the loop polls from then on.
EARLY_S = 0.002

# Answers a number of requests on a connection.
Answering = Callable[[asyncio.Transport, int], None]


def at_once(transport: asyncio.Transport, requests: int) -> None:
    """Answer now."""
    transport.write(ANSWER if requests == 1 else ANSWER * requests)


def after_work(work_us: int) -> Answering:
    """Keep the CPU busy for every request before it is answered, one after the other."""

    def answer(transport: asyncio.Transport, requests: int) -> None:
        for _ in range(requests):
            until_ns = perf_counter_ns() + work_us * 1000
            while perf_counter_ns() < until_ns:
                pass
            transport.write(ANSWER)

    return answer


class Delayed:
    """Answers a constant time after a request was read, to some microseconds: it polls shortly before an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_ms: float) -> None:
        self._loop, self._delay_ns = loop, round(delay_ms * 1e6)
        self._due: deque[tuple[int, asyncio.Transport, int]] = deque()  # in order, because all have the same delay
        self._waiting = False

    def __call__(self, transport: asyncio.Transport, requests: int) -> None:
        """Queue requests for their answers."""
        self._due.append((perf_counter_ns() + self._delay_ns, transport, requests))
        if not self._waiting:
            self._waiting = True
            self._loop.call_soon(self._release)

    def _release(self) -> None:
        due = self._due
        while due and due[0][0] <= perf_counter_ns():
            _, transport, requests = due.popleft()
            if not transport.is_closing():
                at_once(transport, requests)
        self._waiting = bool(due)
        if due:
            wait_s = (due[0][0] - perf_counter_ns()) / 1e9 - EARLY_S
            if wait_s > 0:
                self._loop.call_later(wait_s, self._release)
            else:
                self._loop.call_soon(self._release)


class NullConnection(asyncio.Protocol):
    """One client connection. It counts ends of requests, even if they arrive in pieces. Bodies are not supported."""

    def __init__(self, answer: Answering, tally: Tally | None) -> None:
        self._answer, self._words = answer, tally.words if tally else memoryview(bytearray(24)).cast("Q")
        self._rest = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and count the connection."""
        self._transport = cast("asyncio.Transport", transport)
        # Otherwise uvloop collects the answers of one turn of its loop, and the first waits for the last.
        self._transport.set_write_buffer_limits(0)
        self._words[OPEN] += 1
        self._words[ACCEPTED] += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's interface
        """Count the connection as closed."""
        self._words[OPEN] -= 1

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        if self._rest:
            data = self._rest + data
        requests = data.count(END)
        self._rest = data[data.rfind(END) + len(END) :] if requests else data
        if requests:
            self._words[ANSWERED] += requests
            self._answer(self._transport, requests)


async def serve(port: int, delay_ms: float, work_us: int, tally: Tally | None) -> None:
    """Serve on loopback until SIGTERM or Ctrl-C."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    answer: Answering = at_once
    if delay_ms:
        answer = Delayed(loop, delay_ms)
    elif work_us:
        answer = after_work(work_us)
    with socket.create_server(("127.0.0.1", port), backlog=BACKLOG) as listener:
        listener.setblocking(False)
        accepting: set[asyncio.Task[Any]] = set()  # the loop itself holds tasks only weakly

        def accept() -> None:
            with suppress(BlockingIOError):
                while True:
                    accepted, _ = listener.accept()
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connecting = loop.connect_accepted_socket(lambda: NullConnection(answer, tally), accepted)
                    task = loop.create_task(connecting)
                    accepting.add(task)
                    task.add_done_callback(accepting.discard)

        # Accept all waiting connections. uvloop's `create_server` accepts one in each turn of its loop: under load, the
        # last of 1000 would wait for half a minute, and the load would have too few users until then.
        loop.add_reader(listener, accept)
        await ended.wait()
        loop.remove_reader(listener)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A server that does almost nothing.")
    parser.add_argument("--port", type=int, required=True)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--delay-ms", type=float, default=0.0)
    how.add_argument("--work-us", type=int, default=0)
    parser.add_argument("--tally", type=Path, help="count requests and connections in this file")
    given = parser.parse_args()
    tally = Tally(given.tally) if given.tally else None
    uvloop.run(serve(given.port, given.delay_ms, given.work_us, tally))


if __name__ == "__main__":
    main()
