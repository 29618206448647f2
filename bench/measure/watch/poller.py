"""Something that is asked beside a load, in a thread of its own."""

from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Poller(ABC):
    """Asks from the beginning of the block to its end."""

    ends_in_s = 0.5  # it may hang on an answer that nobody needs any more

    def __init__(self) -> None:
        """Prepare."""
        self._ended = Event()
        self._thread = Thread(target=self._ask_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(self.ends_in_s)

    @abstractmethod
    def _ask_on(self) -> None:
        """Ask until `_ended` is set."""
