"""What this process has begun, and what of it has not ended yet.

The load ends only when all requests of its window have ended. So each process knows its oldest request, and how many
it began: the samples must be as many.
"""

from typing import Any, NamedTuple, Protocol


class Requester(Protocol):
    """A user. `began_ns` is when its present request began or was due; 0 between two requests."""

    began_ns: int


class LedgerState(NamedTuple):
    """What a process has begun and ended so far. `oldest_ns` is when its oldest open request began; 0 if none is open.

    `open` counts the arrivals that wait for a user, too.
    """

    begun: int
    ended: int
    open: int
    oldest_ns: int

    def plus(self, other: "LedgerState") -> "LedgerState":
        """This one and that of another process. Both count from the same clock."""
        oldest = [one for one in (self.oldest_ns, other.oldest_ns) if one]
        return LedgerState(
            self.begun + other.begun, self.ended + other.ended, self.open + other.open, min(oldest, default=0)
        )


NOTHING = LedgerState(0, 0, 0, 0)


class RequestLedger:
    """Counts the requests of all users of this process."""

    def __init__(self) -> None:
        self._users: set[Requester] = set()
        self.begun = self.ended = 0

    def reset(self) -> None:
        """Begin to count, because a test begins."""
        self.begun = self.ended = 0

    def join(self, user: Requester) -> None:
        """Count a user's requests."""
        self._users.add(user)

    def leave(self, user: Requester) -> None:
        """Forget a user that sends no more."""
        self._users.discard(user)

    def state(self, waiting: int = 0, oldest_ns: int = 0) -> LedgerState:
        """The state now, with the arrivals that wait for a user: how many, and when the oldest was due (0: none)."""
        began = [one.began_ns for one in self._users if one.began_ns]
        mine = LedgerState(self.begun, self.ended, len(began), min(began, default=0))
        return mine.plus(LedgerState(0, 0, waiting, oldest_ns))

    def open_since_before(self, moment_ns: int) -> int:
        """How many requests began before a moment and have not ended."""
        return sum(0 < one.began_ns < moment_ns for one in self._users)


LEDGER = RequestLedger()
"""The ledger of this process."""


def shifted(state: dict[str, Any], offset_ns: int) -> LedgerState:
    """The state that a worker has reported, on this process's clock."""
    found = LedgerState(**state)
    return found._replace(oldest_ns=found.oldest_ns + offset_ns) if found.oldest_ns else found
