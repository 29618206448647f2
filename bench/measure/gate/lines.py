"""The ways of verified services to PostgreSQL: one relay for each service, so that all can be used at once."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

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
    """The line of each service, by name. None for a server that is reached by a socket in the file system."""
    with ExitStack() as stack:
        found = {}
        for service in () if dsn.host.startswith("/") else dict.fromkeys(services):
            messages: list[Message] = []
            relay = stack.enter_context(Relay(dsn.host, dsn.port, listener=messages.append))
            found[service] = Line(relay, replace(dsn, host="127.0.0.1", port=relay.port).url, messages)
        yield found
