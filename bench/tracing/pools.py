"""Records every checkout and return of a connection pool as an event, for each library that a service uses.

Only the process of a traced service does this. It patches classes of the libraries; the code of services is unchanged.
"""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from bench.tracing.events import EventRecorder

# For each library: the module and class of its pool, and the names of its checkout and return.
BLOCKING = (
    ("psycopg2.pool", "ThreadedConnectionPool", "getconn", "putconn"),
    ("psycopg_pool", "ConnectionPool", "getconn", "putconn"),
)
AWAITED = (
    ("psycopg_pool", "AsyncConnectionPool", "getconn", "putconn"),
    ("asyncpg.pool", "Pool", "_acquire", "release"),  # `acquire` returns a context manager that calls `_acquire`
)


def watch(recorder: EventRecorder) -> None:
    """Record every use of a pool from now on. Libraries that are not imported yet are ignored."""
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
    """Use the events of SQLAlchemy, which it has for every driver."""
    from sqlalchemy import event  # noqa: PLC0415  # a service without SQLAlchemy must not import it
    from sqlalchemy.pool import Pool  # noqa: PLC0415  # the same

    def taken(_: Any, record: Any, __: Any) -> None:
        recorder.checked_out(id(record), backend_pid(record.driver_connection))

    def given(_: Any, record: Any) -> None:
        with recorder.returning(id(record)):  # the reset is done; only an append to a list follows
            pass

    event.listen(Pool, "checkout", taken)
    event.listen(Pool, "checkin", given)


def backend_pid(connection: Any) -> int:
    """The pid of PostgreSQL's backend process for a connection of asyncpg, psycopg2 or psycopg."""
    if hasattr(connection, "get_server_pid"):
        return int(connection.get_server_pid())
    return int(connection.info.backend_pid)
