"""What an operation costs in the database: round trips on the wire, statements as pg_stat_statements counts them.

Each operation is called a known number of times on a service that reaches PostgreSQL through a relay. The counts must
be what contract.py (data) and service.toml (overhead and extras of the profile) say: a service that answers from a
cache, batches reads or sends a query too many is not the service that its table is about.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psycopg

from bench.catalogue import Service
from bench.errors import VerificationError
from db import server
from db.dsn import Dsn
from db.wire import Relay
from services.contract import OPERATIONS

CALLS = 5
READS = 3  # of one read_many
SPARE = 2  # calls beyond one for each connection, which has something to learn on its first use
SETTLE_S = 0.01  # what follows an answer (a connection's return to the pool) counts, too
TRACK = "pg_stat_statements.track"


class Request(NamedTuple):
    """One call of an operation."""

    method: str
    path: str
    fields: dict[str, str] | None = None


@dataclass(frozen=True)
class Cost:
    """Of one call. `statements` is None where pg_stat_statements could not be asked."""

    round_trips: float
    statements: float | None

    def __str__(self) -> str:
        statements = "" if self.statements is None else f" and {self.statements:g} statements"
        return f"{self.round_trips:g} round trips{statements}"


def expected(service: Service, profile: str, operation: str, reads: int = READS) -> Cost:
    """What one call should cost, by contract.py and service.toml; a read_many of so many reads."""
    known = OPERATIONS[operation]
    data = known.data_statements * (reads if known.per else 1) + service.extra_statements.get(operation, 0)
    if not data or not service.needs_database:
        return Cost(0, 0)
    overhead = service.overhead[profile]
    return Cost(data + overhead.round_trips, data + overhead.statements)


def differences(service: Service, profile: str, found: Mapping[str, Cost]) -> Iterator[str]:
    """In words, every operation that costs something else than it should."""
    for operation, cost in found.items():
        should = expected(service, profile, operation)
        if cost.round_trips != should.round_trips or cost.statements not in {None, should.statements}:
            yield f"{service.name} ({profile}): {operation} took {cost} a call, expected {should} ({CALLS} calls)"


def counted(service: Service, connections: int, relay: Relay, statements: Callable[[], int] | None) -> dict[str, Cost]:
    """The cost of every operation that the service answers, one after the other.

    `connections` is the size of its pool, and `statements` says how many have been made so far. Raises
    VerificationError for a call that fails.
    """
    found = {}
    with httpx.Client(base_url=service.url, timeout=40.0, trust_env=False) as client:
        for operation in OPERATIONS:
            if service.answers([operation]):
                todo = requests(operation, connections + SPARE + CALLS, client)
                for request in todo[:-CALLS]:
                    perform(client, service, request)
                time.sleep(SETTLE_S)
                before = relay.round_trips, statements() if statements else 0
                for request in todo[-CALLS:]:
                    perform(client, service, request)
                time.sleep(SETTLE_S)
                made = (statements() - before[1]) / CALLS if statements else None
                found[operation] = Cost((relay.round_trips - before[0]) / CALLS, made)
    return found


def requests(operation: str, times: int, client: httpx.Client) -> list[Request]:
    """So many calls that all succeed; users that they change or delete are made here."""
    method, path = OPERATIONS[operation].method, OPERATIONS[operation].path
    created = _created(client, {"update_user": 1, "delete_user": times}.get(operation, 0))
    queries = {"list_users": "?offset={number}&limit=10", "read_many": f"?count={READS}&seed={{number}}"}
    made = []
    for number in range(times):
        again = number % CALLS  # the same reads over and over: a cache would show
        user_id = created[number % len(created)] if created else 1 + again
        sent = fields() if method in {"POST", "PUT"} else None  # with other values each time
        made.append(Request(method, (path + queries.get(operation, "")).format(user_id=user_id, number=again), sent))
    return made


def _created(client: httpx.Client, times: int) -> list[int]:
    """Ids of so many new users."""
    return [int(client.post("/users", json=fields()).json()["id"]) for _ in range(times)]


def perform(client: httpx.Client, service: Service, request: Request) -> None:
    """One call. Raises VerificationError unless it succeeds."""
    answer = client.request(request.method, request.path, json=request.fields)
    if answer.is_error:
        said = f"{request.method} {request.path} answered {answer.status_code}"
        raise VerificationError(f"{service.name}: {said} while its round trips were counted")


_numbers = count()
_run = uuid4().hex


def fields() -> dict[str, Any]:
    """A name and an address that no other row has."""
    number = next(_numbers)
    return {"name": f"Counted {number}", "email": f"{_run}.{number}@example.com"}


@contextmanager
def tracked(database: Dsn) -> Iterator[Callable[[], int] | None]:
    """Have pg_stat_statements count what is sent over connections that are opened in this block.

    Gives a function that says how many statements there were so far, or None where the server does not allow it.
    """
    with server.connect(database) as connection:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute(f"SET {TRACK} = 'none'")  # our own asking is not to count
            connection.execute(f"ALTER ROLE CURRENT_USER SET {TRACK} = 'top'")
        except psycopg.Error:
            yield None
            return
        try:
            yield lambda: _statements(connection)
        finally:
            connection.execute(f"ALTER ROLE CURRENT_USER RESET {TRACK}")


def _statements(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements"
        " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    assert row is not None  # noqa: S101  # an aggregate has a row
    return int(row[0])
