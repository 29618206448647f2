"""Connection pools, watched: every checkout and return of the libraries that a service uses becomes an event.

Only a traced service's process does this; it changes the libraries' classes, and services know nothing of it.
"""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from bench.tracing.events import EventRecorder

# Each library has its pool's module, the class in it, and the names of its checkout and return.
BLOCKING = (
    ("psycopg2.pool", "ThreadedConnectionPool", "getconn", "putconn"),
    ("psycopg_pool", "ConnectionPool", "getconn", "putconn"),
)
AWAITED = (
    ("psycopg_pool", "AsyncConnectionPool", "getconn", "putconn"),
    ("asyncpg.pool", "Pool", "_acquire", "release"),  # `acquire` gives a context that calls `_acquire` in its turn
)


def watch(recorder: EventRecorder) -> None:
    """Note every use of a pool from now on. Libraries that are not imported yet stay so, and unwatched."""
    for module, pool, checkout, give_back in BLOCKING:
        if module in sys.modules:
            _wrap(getattr(sys.modules[module], pool), checkout, give_back, _blocking, recorder)
    for module, pool, checkout, give_back in AWAITED:
        if module in sys.modules:
            _wrap(getattr(sys.modules[module], pool), checkout, give_back, _awaited, recorder)
    if "sqlalchemy.pool" in sys.modules:
        _listen(recorder)


Method = Callable[..., Any]


def _wrap(
    pool: type,
    checkout: str,
    give_back: str,
    around: Callable[[Method, Method, EventRecorder], tuple[Method, Method]],
    recorder: EventRecorder,
) -> None:
    taking, giving = around(getattr(pool, checkout), getattr(pool, give_back), recorder)
    setattr(pool, checkout, taking)
    setattr(pool, give_back, giving)


def _blocking(checkout: Method, give_back: Method, recorder: EventRecorder) -> tuple[Method, Method]:
    @wraps(checkout)
    def taking(*args: Any, **kwargs: Any) -> Any:
        connection = checkout(*args, **kwargs)
        recorder.checked_out(id(connection), backend_pid(connection))
        return connection

    @wraps(give_back)
    def giving(pool: Any, connection: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.returning(id(connection)):
            return give_back(pool, connection, *args, **kwargs)

    return taking, giving


def _awaited(checkout: Method, give_back: Method, recorder: EventRecorder) -> tuple[Method, Method]:
    @wraps(checkout)
    async def taking(*args: Any, **kwargs: Any) -> Any:
        connection = await checkout(*args, **kwargs)
        recorder.checked_out(id(connection), backend_pid(connection))
        return connection

    @wraps(give_back)
    async def giving(pool: Any, connection: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.returning(id(connection)):
            return await give_back(pool, connection, *args, **kwargs)

    return taking, giving


def _listen(recorder: EventRecorder) -> None:
    """SQLAlchemy has events of its own, for whatever driver it stands on."""
    from sqlalchemy import event  # noqa: PLC0415  # a service without it is not to import it
    from sqlalchemy.pool import Pool  # noqa: PLC0415  # the same

    def taken(_: Any, record: Any, __: Any) -> None:
        recorder.checked_out(id(record), backend_pid(record.driver_connection))

    def given(_: Any, record: Any) -> None:
        with recorder.returning(id(record)):  # it was reset before; what follows is an append to a list
            pass

    event.listen(Pool, "checkout", taken)
    event.listen(Pool, "checkin", given)


def backend_pid(connection: Any) -> int:
    """The pid of the server's process behind a connection of asyncpg, psycopg2 or psycopg."""
    if hasattr(connection, "get_server_pid"):
        return int(connection.get_server_pid())
    return int(connection.info.backend_pid)
