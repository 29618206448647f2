"""An event as a service notes it, with its time in ms of the clock."""

from bench.tracing.events import Event, Name

MS = 1_000_000


def event(at_ms: float, name: Name, connection: int | None = None, detail: str = "", request: int = 1) -> Event:
    return Event(round(at_ms * MS), 100, request, name, connection, detail)
