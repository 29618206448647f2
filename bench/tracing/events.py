"""What a traced service notes of its requests: one JSON line an event, written in the service, read by the harness."""

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
    """One event of a request, which its process (`process`, a pid) has numbered (`request`).

    `at_ns` is on the clock of samples and of `db.wire`. `connection` is the pid of the server's process behind a
    connection. `detail` is method and path of a request that was received, and the status it was answered with.
    """

    at_ns: int
    process: int
    request: int
    name: Name
    connection: int | None = None
    detail: str = ""


class EventRecorder:
    """Appends events to a file, from any thread. What happens outside of a request is left out."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._holders: dict[int, tuple[int, int]] = {}

    @contextmanager
    def request(self, number: int) -> Iterator[None]:
        """Everything in this block, and in the tasks and threads that it starts, belongs to the request."""
        token = _request.set(number)
        try:
            yield
        finally:
            _request.reset(token)

    def note(self, request: int, name: Name, connection: int | None = None, detail: str = "") -> None:
        """Write one event that happened just now; one write a line, which keeps processes and threads apart."""
        line = [time.perf_counter_ns(), os.getpid(), request, name, connection, detail]
        os.write(self._fd, json.dumps(line).encode() + b"\n")

    def checked_out(self, key: int, connection: int) -> None:
        """The request of this context has a connection now. `key` is what `returning` will name it by."""
        if (request := _request.get()) is not None:
            self._holders[key] = request, connection
            self.note(request, "checked out", connection)

    @contextmanager
    def returning(self, key: int) -> Iterator[None]:
        """The connection is given back in this block, by whatever task or thread: it is free at the block's end."""
        # Whose it was is looked up first: at the end of the block the next request may have it.
        holder = self._holders.pop(key, None)
        try:
            yield
        finally:
            if holder is not None:
                self.note(holder[0], "returned", holder[1])


def read(path: Path) -> list[Event]:
    """All events of a file, in the order of time; a last line that is not whole yet is left out.

    Raises ResultsError for a file that cannot be read or is none of this kind.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        found = [_event(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ResultsError(f"cannot read the trace {str(path)!r}: {error}") from None
    return sorted(found, key=lambda event: event.at_ns)


def _event(written: Any) -> Event:
    """Of one line. Raises TypeError or ValueError where it has other things in it."""
    if not isinstance(written, list):
        raise TypeError(f"{type(written).__name__} in place of a list")
    event = Event(*written)
    numbers = (event.at_ns, event.process, event.request, 0 if event.connection is None else event.connection)
    if any(type(number) is not int for number in numbers) or event.name not in NAMES or type(event.detail) is not str:
        raise ValueError(f"no event: {json.dumps(written)[:100]}")
    return event
