"""The base of observers that poll in a separate thread during a load."""

from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Poller(ABC):
    """Polls from the beginning of the block to its end."""

    ends_in_s = 0.5  # it may wait for an answer that is not needed any more

    def __init__(self) -> None:
        """Prepare."""
        self._ended = Event()
        self._thread = Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def end(self) -> None:
        """End, without waiting for an answer that is not needed any more."""
        self._ended.set()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()
        self._thread.join(self.ends_in_s)

    @abstractmethod
    def _poll(self) -> None:
        """Poll until `_ended` is set."""
