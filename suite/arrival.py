"""How requests arrive: the load's three models."""

from enum import StrEnum


class Arrival(StrEnum):
    """An arrival model, as plans and Locust's options name it."""

    CLOSED = "closed"
    """Each user sends its next request when its last one was answered."""
    OPEN = "open"
    """Requests are due at a rate, whatever the answers."""
    BATCH = "batch"
    """A number of requests, and then the end."""
