"""Splits a stream of bytes into messages of PostgreSQL's protocol.

Source: PostgreSQL's documentation, "Frontend/Backend Protocol".
"""

import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

SSL_REQUEST, GSS_CODE = 80877103, 80877104
LENGTH_BYTES = 4  # the length includes them
TLS_REQUEST, GSS_REQUEST = (struct.pack("!ii", 8, code) for code in (SSL_REQUEST, GSS_CODE))
ACCEPTED, REFUSED = b"S", b"N"
FLUSH: Final = b"H"
# The frontend then waits for an answer (Query, Sync, Flush, FunctionCall): each is a round trip.
WAITED_FOR: Final = frozenset({b"Q", b"S", FLUSH, b"F"})
# Parse, Bind, Describe, Execute: the server begins a transaction for them, which Sync ends unless BEGIN came before.
EXTENDED: Final = frozenset({b"P", b"B", b"D", b"E"})
READY, IDLE = b"Z", b"I"


@dataclass(frozen=True)
class Message:
    """One message with its time (ns, monotonic). `kind` is its first byte, empty for the first message of a client."""

    at_ns: int
    connection: int
    from_client: bool
    kind: bytes
    body: bytes


Listener = Callable[[Message], None]


class Splitter:
    """Splits one direction of a connection into messages. The network may have split the bytes anywhere.

    An impossible length means that this is not the protocol: no more messages are found in that direction.
    """

    def __init__(self, *, from_client: bool) -> None:
        self.starting = from_client  # a client's first message has no kind
        self._rest = b""
        self._lost = False

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """All messages that are complete now: kind and body."""
        if self._lost:
            return []
        self._rest += data
        found, position = [], 0
        while True:
            kind_end = position if self.starting else position + 1
            if len(self._rest) < kind_end + LENGTH_BYTES:
                break
            (length,) = struct.unpack_from("!i", self._rest, kind_end)
            if length < LENGTH_BYTES:
                self._lost, position = True, len(self._rest)
                break
            end = kind_end + length
            if len(self._rest) < end:
                break
            found.append((self._rest[position:kind_end], self._rest[kind_end + LENGTH_BYTES : end]))
            self.starting = False
            position = end
        self._rest = self._rest[position:]
        return found


class RoundTrips:
    """Counts how often the client of one connection waits for an answer.

    A Flush right after such a message asks for nothing more. psycopg ends a pipeline with a Sync, and sends a Flush
    after it if the answers are not there yet.
    """

    def __init__(self) -> None:
        self.count = 0
        self._asked = False

    def sent(self, kinds: Iterable[bytes]) -> None:
        """Messages of the client, by their kinds."""
        for kind in kinds:
            asks = kind in WAITED_FOR
            self.count += asks and not (kind == FLUSH and self._asked)
            self._asked = asks


class EndedTransactions:
    """Counts the transactions of one connection as xact_commit + xact_rollback of pg_stat_database do.

    One has ended when the server is ready again, outside of a transaction, after a message that needs one. A script of
    several statements in one Query is one. (A script with its own BEGIN and COMMIT counts as one, too: no service sends
    that.) A client may send several messages before the first answer. Source: start_xact_command() in postgres.c.
    """

    def __init__(self) -> None:
        self.count = 0
        self._worked = False
        self._waiting = deque[bool]()

    def sent(self, kinds: Iterable[bytes]) -> None:
        """Messages of the client, by their kinds."""
        for kind in kinds:
            if kind in EXTENDED:
                self._worked = True
            elif kind in {b"Q", b"F"}:
                self._waiting.append(True)
            elif kind == b"S":
                self._waiting.append(self._worked)
                self._worked = False

    def answered(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Messages of the server: kind and body. It is ready for the first time before the client sends anything."""
        for kind, body in messages:
            if kind == READY and self._waiting:
                self.count += self._waiting.popleft() and body == IDLE
