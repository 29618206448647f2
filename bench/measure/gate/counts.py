"""Measures what an operation costs in the database: round trips and transactions on the wire, and statements.

Statements are those of pg_stat_statements.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from bench.measure.gate import clients
from bench.plan.costs import CALLS, PARENTS, READ_MANY, Cost, counted_as, expected
from bench.plan.matrix import Setup
from db import server
from db import statements as statements_of
from db.address.dsn import Dsn
from db.statements import TRACK
from db.wire import Relay
from services.contract.operations import OPERATIONS, ORDERS_PER_USER, STREAM_SESSIONS
from services.contract.params import BIGINT_MAX
from suite.errors import VerificationError
from suite.service import Service

TRIES_AT_ONCE = 4  # for operations that use two connections at once: each may have to prepare the statement
SPARE = 2  # calls in addition to those that warm up each connection
PAGE, FEW_USERS = 100, 5_000  # users to look at for some with as many orders as usual
SETTLE_S = 0.01  # messages after an answer (the return of a connection to the pool) count, too
QUERIES = {
    "list_users": "?offset={number}&limit=10",
    "read_many": f"?count={READ_MANY}&seed={{number}}",
    "session_sleep": "?seconds=0",
    "slow_query": "?seconds=0",
    **{f"stream_{session}": "?stream_s=0&limit=3" for session in STREAM_SESSIONS},
    "relations": f"?parents={PARENTS}&first_id={{first_id}}",
    "simulation": f"?user_id={BIGINT_MAX}",  # a user without orders: the computation takes no time
}


class CountedRequest(NamedTuple):
    """One call of an operation."""

    method: str
    path: str
    fields: dict[str, str] | None = None


Statements = Callable[[], int] | None


def warm_up(service: Service, connections: int) -> None:
    """Call everything that only reads, so often that each connection has prepared its statements."""
    with clients.client(service.url) as client:
        for operation, variant in _asked(service):
            if OPERATIONS[operation].data_statements and not OPERATIONS[operation].writes:
                _warm_up(client, service, connections, operation, variant)


def counted(service: Service, setup: Setup, relay: Relay, statements: Statements) -> dict[str, Cost]:
    """The cost of every operation that the service answers, for each variant, one after the other.

    `statements` returns how many statements were executed so far. What only
    reads must have been warmed up. Raises VerificationError for a call that fails.
    """
    found = {}
    with clients.client(service.url) as client:
        time.sleep(SETTLE_S)
        for operation, variant in _asked(service):
            should = expected(service, setup.profile, operation, variant, pooler=setup.pooler)
            cost = None
            if not OPERATIONS[operation].writes:
                cost = _cost(client, service, requests(operation, CALLS, client, variant), relay, statements)
            # A pool may have given a connection that had not prepared the statement, after one came back late.
            if (
                cost is None
                or cost.round_trips != should.round_trips
                or cost.statements not in {None, should.statements}
            ):
                cost = _warm_cost(client, service, setup.pool_size, operation, variant, relay, statements)
            found[counted_as(operation, variant)] = cost
    return found


def _asked(service: Service) -> Iterator[tuple[str, str | None]]:
    """Every operation that the service answers, with each of its variants."""
    for name, operation in OPERATIONS.items():
        if service.answers([name]):
            yield from ((name, variant) for variant in operation.variants or (None,))


def _warm_up(client: httpx.Client, service: Service, connections: int, operation: str, variant: str | None) -> None:
    for request in requests(operation, connections * service.warm_up + SPARE, client, variant):
        perform(client, service, request)


def _warm_cost(
    client: httpx.Client,
    service: Service,
    connections: int,
    operation: str,
    variant: str | None,
    relay: Relay,
    statements: Statements,
) -> Cost:
    """The cost of one operation, which is warmed up just before."""
    _warm_up(client, service, connections, operation, variant)
    tries = list[Cost]()
    # Some connections may not have prepared the statement yet: the lowest of several tries counts.
    for _ in range(TRIES_AT_ONCE if OPERATIONS[operation].uses > 1 else 1):
        todo = requests(operation, CALLS, client, variant)
        time.sleep(SETTLE_S)
        tries.append(_cost(client, service, todo, relay, statements))
    return min(tries, key=lambda cost: cost.round_trips)


def _cost(
    client: httpx.Client, service: Service, todo: Sequence[CountedRequest], relay: Relay, statements: Statements
) -> Cost:
    """Make these calls. No message of an earlier call may still be under way."""
    before = relay.round_trips, statements() if statements else 0, relay.transactions
    for request in todo:
        perform(client, service, request)
    time.sleep(SETTLE_S)
    made = (statements() - before[1]) / len(todo) if statements else None
    ended = (relay.transactions - before[2]) / len(todo)
    return Cost((relay.round_trips - before[0]) / len(todo), made, ended)


def requests(operation: str, times: int, client: httpx.Client, variant: str | None = None) -> list[CountedRequest]:
    """This many calls that all succeed. Users that they change or delete are created first."""
    known = OPERATIONS[operation]
    created = _created(client, {"update_user": 1, "delete_user": times}.get(operation, 0))
    first_id = _first_id(client) if known.per == "parents" else None
    made = []
    for number in range(times):
        again = number % CALLS  # the same reads again and again: a cache would become visible
        user_id = created[number % len(created)] if created else 1 + again
        query = QUERIES.get(operation, "").format(number=again, first_id=first_id)
        path = known.path.format(user_id=user_id, note_id=1 + again) + query
        if variant is not None:
            path += f"{'&' if '?' in path else '?'}{known.varies}={variant}"
        writes_user = known.path.startswith("/users") and known.method in {"POST", "PUT"}
        made.append(CountedRequest(known.method, path, fields() if writes_user else None))
    return made


def _first_id(client: httpx.Client) -> int:
    """The first of users who have together as many orders as so many have on average: a query each, when lazy.

    Raises VerificationError if there are none, which no dataset of the suite is.
    """
    path = OPERATIONS["relations"].path
    for first_id in range(1, FEW_USERS, PAGE):
        users = client.get(path, params={"first_id": first_id, "parents": PAGE, "loading": "json"}).json()
        orders = [len(user["orders"]) for user in users]
        for skipped in range(len(orders) - PARENTS + 1):
            if sum(orders[skipped : skipped + PARENTS]) == ORDERS_PER_USER * PARENTS:
                time.sleep(SETTLE_S)
                return int(users[skipped]["id"])
    raise VerificationError(f"no {PARENTS} users in a row have {ORDERS_PER_USER * PARENTS} orders together")


def _created(client: httpx.Client, times: int) -> list[int]:
    """Create this many users, and return their ids."""
    return [int(client.post("/users", json=fields()).json()["id"]) for _ in range(times)]


def perform(client: httpx.Client, service: Service, request: CountedRequest) -> None:
    """Make one call. Raises VerificationError if it fails."""
    answer = client.request(request.method, request.path, json=request.fields)
    if answer.is_error:
        what = f"{request.method} {request.path} answered {answer.status_code}"
        raise VerificationError(f"{service.name}: {what} while its round trips were counted")


_numbers = count()
_run = uuid4().hex


def fields() -> dict[str, Any]:
    """A unique name and email address."""
    number = next(_numbers)
    return {"name": f"Counted {number}", "email": f"{_run}.{number}@example.com"}


@contextmanager
def tracked(database: Dsn) -> Iterator[Callable[[], int] | None]:
    """Make pg_stat_statements count the statements of connections that are opened in this block.

    Gives a function that returns the number of statements so far, or None where the server does not allow it. At the
    end of the block, the database and the role are as before.
    """
    with server.connect(database) as connection:
        had, able = statements_of.exists(connection), statements_of.counting(connection)
        before = statements_of.of_role(connection)
        if not able.works:
            yield None
            return
        with connection.transaction():  # all of it or nothing
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            if able.switches:
                connection.execute(f"SET {TRACK} = 'none'")  # our own queries must not count
                connection.execute(f"ALTER ROLE CURRENT_USER SET {TRACK} = '{statements_of.COUNTING}'")
        try:
            yield statements_of.counter(connection)
        finally:
            if able.switches:
                again = f"RESET {TRACK}" if before is None else f"SET {TRACK} = '{before}'"
                connection.execute(f"ALTER ROLE CURRENT_USER {again}".encode())
            if not had:
                connection.execute("DROP EXTENSION IF EXISTS pg_stat_statements")


def missing(database: Dsn) -> str:
    """Why statements cannot be counted, with the remedies."""
    with server.connect(database) as connection:
        return str(statements_of.counting(connection))
