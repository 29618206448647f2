"""One request's conversation as lines: what the client, the service and the wire saw, on one clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.conversation import words
from bench.tracing.events import Event
from db.protocol import Message

CLIENT, SERVICE, TO_DATABASE, FROM_DATABASE = "client", "service", "to PostgreSQL", "from PostgreSQL"
UNUSED = "no connection was used"
NS_PER_MS = 1e6


@dataclass(frozen=True)
class Call:
    """One request as its client saw it (ns, monotonic): what it asked, when it sent that and had the whole answer."""

    asked: str
    sent_ns: int
    answered_ns: int


@dataclass(frozen=True)
class StoryLine:
    """One line. `at_ms` counts from when the client sent the request."""

    at_ms: float
    who: str
    text: str

    def __str__(self) -> str:
        return f"{self.at_ms:9.2f} ms  {self.who:<15} {self.text}"


@dataclass(frozen=True)
class Story:
    """All lines in the order of time; what they come to is said in `summary`."""

    lines: tuple[StoryLine, ...]
    freed: str
    round_trips: int
    statements: int

    @property
    def summary(self) -> str:
        """When the connection was freed, and what was counted."""
        if not self.round_trips and self.freed == UNUSED:
            return f"There was no conversation with PostgreSQL: {UNUSED}."
        counted = f"{_count(self.round_trips, 'round trip')}, {_count(self.statements, 'statement')}"
        return f"{self.freed[0].upper()}{self.freed[1:]}; {counted}."


def of(call: Call, events: Sequence[Event], messages: Sequence[Message]) -> Story:
    """The story of one request.

    `events` are those of this request alone; `messages` are all that the relay has heard since the service started,
    of which those after the request was sent are its own: nothing else sends requests to the service then.
    """
    pids = words.backend_pids(messages)
    found = [
        (call.sent_ns, CLIENT, f"sends {call.asked}", None),
        (call.answered_ns, CLIENT, "has the whole answer", None),
        *((event.at_ns, SERVICE, _noted(event), event.connection) for event in events if event.name != "ended"),
        *(
            (one.start_ns, TO_DATABASE, one.text, pids.get(one.connection))
            if one.from_client
            else (one.end_ns, FROM_DATABASE, one.text, pids.get(one.connection))
            for one in words.conversation(messages, call.sent_ns)
        ),
    ]
    found.sort(key=lambda line: line[0])
    names = _named([pid for *_, pid in found if pid is not None])
    lines = tuple(
        StoryLine((at_ns - call.sent_ns) / NS_PER_MS, who, text + (names[pid] if pid is not None else ""))
        for at_ns, who, text, pid in found
    )
    own = [message for message in messages if message.at_ns >= call.sent_ns]
    return Story(lines, freed(events), words.round_trips(own), words.statements(own))


def freed(events: Sequence[Event]) -> str:
    """In words, when the last connection of a request was free again, relative to its response."""
    taken = [event for event in events if event.name == "checked out"]
    returned = [event for event in events if event.name == "returned"]
    responded = next((event for event in events if event.name == "responded"), None)
    if not taken:
        return UNUSED
    which = "the connection was" if len(taken) == 1 else f"of {len(taken)} uses of a connection the last was"
    if len(returned) < len(taken):
        return f"{which} not freed while this was watched"
    if responded is None:
        return f"{which} freed, and no response was sent"
    lead_ms = (responded.at_ns - returned[-1].at_ns) / NS_PER_MS
    return f"{which} freed {abs(lead_ms):.2f} ms {'before' if lead_ms >= 0 else 'after'} the response was sent"


def _noted(event: Event) -> str:
    return {
        "received": "request received",
        "checked out": "connection checked out",
        "returned": "connection returned",
        "responded": f"response sent: {event.detail}",
        "ended": "request ended",
    }[event.name]


def _named(pids: Iterable[int]) -> dict[int, str]:
    """The connection's number at a line's end; empty where there is only one."""
    several = list(dict.fromkeys(pids))
    return {pid: f" (connection {number})" if len(several) > 1 else "" for number, pid in enumerate(several, 1)}


def _count(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"
