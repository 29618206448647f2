"""What PostgreSQL's protocol tells about a service: how it takes connections, sends a statement, opens a transaction.

Pure: from recorded messages to facts. The message formats are described in PostgreSQL's documentation,
"Frontend/Backend Protocol".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from db.protocol import Message

LIFO, FIFO, OTHER = "LIFO", "FIFO", "other"
SIMPLE = "simple query"
UNNAMED, EACH_TIME, ONCE = "extended, unnamed", "extended, prepared each time", "extended, prepared once"
AUTOCOMMIT = "autocommit"
DEFAULTS = "defaults"

# What goes with a statement: the bounds of its transaction, and what a pool sends to reset a connection.
AROUND = re.compile(
    r"(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|CLOSE|UNLISTEN"
    r"|DEALLOCATE|SELECT PG_ADVISORY_UNLOCK_ALL)\b|;?$",
    re.IGNORECASE,
)
BEGINS = re.compile(r"(BEGIN|START TRANSACTION)\b", re.IGNORECASE)
ENDS = re.compile(r"(COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
LEVELS = r"(serializable|repeatable read|read committed|read uncommitted)"
BEGUN_AT = re.compile(rf"ISOLATION LEVEL {LEVELS}", re.IGNORECASE)
# In a statement or in the options that a connection starts with.
SESSION_AT = re.compile(
    rf"(?:default_transaction_isolation\W+(?:TO\W+)?|CHARACTERISTICS\b.*ISOLATION LEVEL ){LEVELS}", re.IGNORECASE
)
QUOTE = "'"
OF_THE_CONNECTION = frozenset({"user", "database", ""})  # the last one ends the message


@dataclass(frozen=True)
class Wire:
    """How a service uses PostgreSQL for one point read, and how its sessions are set. None: unknown.

    `isolation` is every level that any transaction of these connections had, with commas between them.
    """

    pool_policy: str | None
    protocol: str
    transaction: str
    isolation: str
    session: str


class SentStatement(NamedTuple):
    """One statement as a client sent it; `how` is SIMPLE, UNNAMED, EACH_TIME or ONCE."""

    at_ns: int
    connection: int
    text: str
    how: str


def wire(
    calls: Sequence[Sequence[Message]],
    history: Sequence[Message],
    pool_size: int,
    default_isolation: str,
    started_ns: int = 0,
) -> Wire | None:
    """What one service does, from the messages of point reads one after the other, and from all that was ever said.

    `calls` has the messages of each read, with nothing else under way, of a service that has sent the statement on
    every connection before. `history` begins where the connections did; what a library asks before `started_ns` is not
    the service's own. None when no call sent a data statement.
    """
    texts = {(one.connection, name): text for one in history for name, text in _parsed(one)}
    of_calls = [list(statements(call, texts)) for call in calls]
    data = [found for sent in of_calls if (found := _data(sent)) is not None]
    if not data:
        return None
    connections = [one.connection for one in data]
    mine = [message for message in history if message.connection in set(connections)]
    return Wire(
        pool_policy=policy(connections) if pool_size > 1 else None,
        protocol=_all(one.how for one in data),
        transaction=_all(map(_transaction, of_calls)),
        isolation=_all(isolations(mine, default_isolation, started_ns)),
        session=_all(_settings(message) for message in mine if _opens(message)) or DEFAULTS,
    )


def statements(
    messages: Iterable[Message], known: Mapping[tuple[int, bytes], str] = MappingProxyType({})
) -> Iterator[SentStatement]:
    """Every statement that clients sent, in order, BEGIN and the like included.

    `known` has the texts of statements that were prepared earlier, by connection and name.
    """
    parsed: dict[tuple[int, bytes], str] = {}
    for message in messages:
        parsed |= {(message.connection, name): text for name, text in _parsed(message)}
        if message.from_client and message.kind == b"Q":
            yield SentStatement(message.at_ns, message.connection, _text(message.body), SIMPLE)
        elif message.from_client and message.kind == b"B":
            name = message.body.split(b"\0", 2)[1]
            key = message.connection, name
            how = UNNAMED if not name else EACH_TIME if key in parsed else ONCE
            yield SentStatement(message.at_ns, message.connection, parsed.get(key) or known.get(key, "?"), how)


def policy(connections: Sequence[int]) -> str:
    """Which free connection a pool hands out, from those that served one request after the other.

    LIFO: the one that was returned last, and so always the same. FIFO: the one that has been free longest, and so all
    in turn. OTHER: neither, or too few requests to see it.
    """
    period = len(set(connections))
    if period == 1:
        return LIFO
    in_turn = all(one == before for one, before in zip(connections[period:], connections, strict=False))
    return FIFO if len(connections) > period and in_turn else OTHER


def isolations(messages: Sequence[Message], default: str, started_ns: int = 0) -> Iterator[str]:
    """The isolation level of every transaction from then on: its BEGIN's, else its session's, else the default."""
    startups = [(one.connection, _decoded(one.body).replace("\\", "")) for one in messages if _opens(one)]
    sessions = {connection: found[1].lower() for connection, said in startups if (found := SESSION_AT.search(said))}
    begun: set[int] = set()
    for one in statements(messages):
        if found := SESSION_AT.search(one.text):
            sessions[one.connection] = found[1].lower()
        opens, ends = BEGINS.match(one.text), ENDS.match(one.text)
        alone = one.connection not in begun and not AROUND.match(one.text)
        begun = (begun | {one.connection}) if opens else (begun - {one.connection}) if ends else begun
        if (opens or alone) and one.at_ns >= started_ns:
            named = BEGUN_AT.search(one.text) if opens else None
            yield named[1].lower() if named else sessions.get(one.connection, default)


def _data(sent: Sequence[SentStatement]) -> SentStatement | None:
    """The read itself: what a pool asks to see whether a connection lives comes before it."""
    return next((one for one in reversed(sent) if not AROUND.match(one.text)), None)


def _parsed(message: Message) -> Iterator[tuple[bytes, str]]:
    """Name and text of the statement that a message has prepared."""
    if message.from_client and message.kind == b"P":
        name, _, text = message.body.partition(b"\0")
        yield name, _text(text)


def _transaction(sent: Sequence[SentStatement]) -> str:
    if not any(BEGINS.match(one.text) for one in sent):
        return AUTOCOMMIT
    ends = [found[1].upper() for one in sent if (found := ENDS.match(one.text))]
    return f"BEGIN .. {ends[-1]}" if ends else "BEGIN .."


def _opens(message: Message) -> bool:
    return message.from_client and not message.kind


def _settings(startup: Message) -> str:
    """The session's settings that a connection starts with, beside user and database."""
    words = _decoded(startup.body[4:]).split("\0")  # after the version of the protocol
    named = dict(zip(words[::2], words[1::2], strict=False))
    options = [one.replace("\\", "") for one in re.findall(r"(?:-c\s*|--)((?:\\.|\S)+)", named.pop("options", ""))]
    settings = [f"{name}={value.strip(QUOTE)}" for name, value in named.items() if name not in OF_THE_CONNECTION]
    return " ".join(sorted(settings + options)) or DEFAULTS


def _text(body: bytes) -> str:
    return _decoded(body.partition(b"\0")[0]).strip()


def _decoded(body: bytes) -> str:
    return body.decode(errors="replace")


def _all(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))
