"""The ways of verified services to PostgreSQL: one relay for each service, so that all can be used at once."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from db import tls
from db.address.dsn import Dsn
from db.protocol import Message
from db.wire import Relay


@dataclass(frozen=True)
class Line:
    """A service's relay, and every message that it has relayed since the service was started."""

    relay: Relay
    url: str = field(repr=False)
    messages: list[Message] = field(repr=False)


@contextmanager
def opened(dsn: Dsn, services: Iterable[str]) -> Iterator[dict[str, Line]]:
    """The line of each service, by name."""
    with ExitStack() as stack:
        found = {}
        own = stack.enter_context(tls.identity())
        for service in dict.fromkeys(services):
            messages: list[Message] = []
            relay = stack.enter_context(Relay(dsn, listener=messages.append, own=own))
            found[service] = Line(relay, relay.dsn.url, messages)
        yield found
