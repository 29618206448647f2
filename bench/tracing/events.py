"""The events of a traced service's requests: one JSON line for each, written by the service, read by the harness."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from suite.errors import ResultsError

Name = Literal["received", "checked out", "returned", "responded", "ended"]
NAMES: tuple[Name, ...] = get_args(Name)

_request: ContextVar[int | None] = ContextVar("request", default=None)


@dataclass(frozen=True)
class Event:
    """One event of a request. `process` is a pid, and `request` a number that this process gave.

    `at_ns` is on the clock of samples and of `db.wire`. `connection` is the pid of PostgreSQL's backend process.
    `detail` is method and path when a request was received, and the status when it was answered.
    """

    at_ns: int
    process: int
    request: int
    name: Name
    connection: int | None = None
    detail: str = ""


class EventRecorder:
    """Appends events to a file, from any thread. Uses of the pool outside of a request are left out."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._holders: dict[int, tuple[int, int]] = {}

    @contextmanager
    def request(self, number: int) -> Iterator[None]:
        """Everything in this block, and in tasks and threads that it starts, belongs to the request."""
        token = _request.set(number)
        try:
            yield
        finally:
            _request.reset(token)

    def note(self, request: int, name: Name, connection: int | None = None, detail: str = "") -> None:
        """Write one event that happened now. Each line is one write, so lines of processes and threads do not mix."""
        line = [time.perf_counter_ns(), os.getpid(), request, name, connection, detail]
        os.write(self._fd, json.dumps(line).encode() + b"\n")

    def checked_out(self, key: int, connection: int) -> None:
        """Note that the request of this context has a connection now. `returning` uses the same `key`."""
        if (request := _request.get()) is not None:
            self._holders[key] = request, connection
            self.note(request, "checked out", connection)

    @contextmanager
    def returning(self, key: int) -> Iterator[None]:
        """The connection is returned in this block, by any task or thread. It is free at the end of the block."""
        # The holder is looked up first: at the end of the block, the next request may already have the connection.
        holder = self._holders.pop(key, None)
        try:
            yield
        finally:
            if holder is not None:
                self.note(holder[0], "returned", holder[1])


def read(path: Path) -> list[Event]:
    """All events of a file, in the order of time. An incomplete last line is left out.

    Raises ResultsError for a file that cannot be read, or that is no trace.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        found = [_event(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ResultsError(f"cannot read the trace {str(path)!r}: {error}") from None
    return sorted(found, key=lambda event: event.at_ns)


def _event(written: Any) -> Event:
    """The event of one line. Raises TypeError or ValueError for a line that is no event."""
    if not isinstance(written, list):
        raise TypeError(f"{type(written).__name__} in place of a list")
    event = Event(*written)
    numbers = (event.at_ns, event.process, event.request, 0 if event.connection is None else event.connection)
    if any(type(number) is not int for number in numbers) or event.name not in NAMES or type(event.detail) is not str:
        raise ValueError(f"no event: {json.dumps(written)[:100]}")
    return event
