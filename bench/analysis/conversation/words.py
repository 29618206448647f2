"""PostgreSQL's messages in words: what travelled together becomes one line.

The messages are described in PostgreSQL's documentation, "Message Formats".
"""

import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from db.protocol import Message, RoundTrips

SHORT, END = 76, 40  # letters of a statement that are shown, so many of them its last: mostly its conditions
STATES = {b"I": "idle", b"T": "in transaction", b"E": "in a failed transaction"}
# What a client says beside its statements, and what a server answers beside results, where it is worth a word.
CLIENT = {b"": "open a connection", b"p": "authenticate", b"X": "close the connection", b"C": "close a statement"}
SERVER = {b"R": "authentication", b"I": "nothing to do", b"3": "closed", b"N": "a notice"}


@dataclass(frozen=True)
class Said:
    """Adjacent messages of one connection in one direction (ns, monotonic), in words.

    `start_ns` is when the first of them passed, `end_ns` the last.
    """

    start_ns: int
    end_ns: int
    connection: int
    from_client: bool
    text: str


def conversation(messages: Iterable[Message], since_ns: int) -> list[Said]:
    """The messages since then, in order.

    Earlier messages are needed, too: a prepared statement's SQL was sent when it was prepared.
    """
    statements: dict[tuple[int, str], str] = {}
    groups: list[list[Message]] = []
    latest: dict[int, list[Message]] = {}
    said = []
    for message in messages:
        if message.at_ns < since_ns:
            _remember(message, statements)
            continue
        group = latest.get(message.connection)
        if group is None or group[0].from_client != message.from_client:
            group = latest[message.connection] = []
            groups.append(group)
        group.append(message)
    for group in groups:
        words = _asked(group, statements) if group[0].from_client else _answered(group)
        if words:
            first, last = group[0], group[-1]
            said.append(Said(first.at_ns, last.at_ns, first.connection, first.from_client, words))
    return said


def backend_pids(messages: Iterable[Message]) -> dict[int, int]:
    """The pid of the server's process behind each connection (BackendKeyData), by the relay's number of it."""
    return {
        message.connection: struct.unpack_from("!i", message.body)[0]
        for message in messages
        if message.kind == b"K" and not message.from_client
    }


def round_trips(messages: Iterable[Message]) -> int:
    """How often the client waited for an answer."""
    counted = defaultdict[int, RoundTrips](RoundTrips)
    for message in messages:
        if message.from_client:
            counted[message.connection].sent([message.kind])
    return sum(one.count for one in counted.values())


def statements(messages: Iterable[Message]) -> int:
    """How many statements ended: all rows sent, an error, or as many rows as the client had asked for.

    These are CommandComplete, ErrorResponse and PortalSuspended (asyncpg's `fetchrow` asks for one row).
    """
    return sum(not message.from_client and message.kind in {b"C", b"E", b"s"} for message in messages)


def _remember(message: Message, known: dict[tuple[int, str], str]) -> None:
    if message.from_client and message.kind == b"P":
        name, sql = _strings(message.body)[:2]
        known[message.connection, name] = sql


def _asked(group: list[Message], known: dict[tuple[int, str], str]) -> str:
    """A client's messages."""
    said: list[str] = []
    prepared: str | None = None
    for message in group:
        strings = _strings(message.body)
        if message.kind == b"Q":
            said.append(shortened(strings[0]))
        elif message.kind == b"P":
            _remember(message, known)
            prepared = strings[0]
            said.append(f"prepare: {shortened(strings[1])}")
        elif message.kind == b"B":
            sql = shortened(known.get((message.connection, strings[1]), f"statement {strings[1]!r}"))
            if prepared == strings[1]:
                said[-1] = f"prepare and execute: {sql}"
            else:
                said.append(f"execute prepared: {sql}")
        elif message.kind in CLIENT:
            said.append(CLIENT[message.kind])
    return "; ".join(said)


def _answered(group: list[Message]) -> str:
    """A server's messages: results, then the state that the connection is in."""
    results, received = list[str](), 0
    for message in group:
        if message.kind == b"D":
            received += 1
        elif message.kind == b"s":
            results.append(_rows(received))
        elif words := _result(message):
            results.append(words)
            received = 0
    prepared = any(message.kind == b"1" for message in group) and not results
    state = next((STATES.get(message.body[:1], "") for message in group[::-1] if message.kind == b"Z"), "")
    words = "prepared" if prepared else ", ".join(results)
    return "; ".join(part for part in (words, state) if part)


def _result(message: Message) -> str:
    if message.kind == b"C":  # a command's tag, which for a query is its number of rows
        tag = _strings(message.body)[0]
        verb, _, number = tag.partition(" ")
        return _rows(int(number)) if verb == "SELECT" else tag
    if message.kind == b"E":
        fields = {part[:1]: part[1:] for part in _strings(message.body) if part}
        return f"error {fields.get('C', '?')}: {fields.get('M', '?')}"
    return SERVER.get(message.kind, "")


def _rows(number: int) -> str:
    return f"{number} row{'' if number == 1 else 's'}"


def shortened(sql: str) -> str:
    """On one line, and no longer than SHORT: words are left out of the middle."""
    flat = " ".join(sql.split()).rstrip("; ")
    if len(flat) <= SHORT:
        return flat
    beginning, end = flat[: SHORT - END - 4], flat[-END:]
    return f"{beginning.rpartition(' ')[0] or beginning} ... {end.partition(' ')[2] or end}"


def _strings(body: bytes) -> list[str]:
    """The zero-terminated strings that a body begins with; one that the relay cut off says so."""
    *whole, rest = body.decode("utf-8", "replace").split("\0")
    return [*whole, f"{rest} ..."] if rest else whole or [""]
