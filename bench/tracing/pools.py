"""Records every checkout and return of a service's connection pool as an event.

Only the process of a traced service does this. It patches the class of the pool, which the service.toml names; the
code of services is unchanged.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from bench.tracing.events import EventRecorder


def watch(recorder: EventRecorder, described: str) -> None:
    """Record every use of a pool from now on. Without a pool, requests have no such events.

    `described`: `module:class`, then the methods that give out a connection and take it back; none for SQLAlchemy's.
    """
    if not described:
        return
    where, *methods = described.split()
    module, _, name = where.partition(":")
    pool = getattr(import_module(module), name)
    if not methods:
        _listen(pool, recorder)
        return
    take, give = (getattr(pool, method) for method in methods)
    around = _awaited if inspect.iscoroutinefunction(take) else _blocking
    for method, wrapped in zip(methods, around(take, give, recorder), strict=True):
        setattr(pool, method, wrapped)


Method = Callable[..., Any]


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


def _listen(pool: type, recorder: EventRecorder) -> None:
    """Use the events of SQLAlchemy, which it has for every driver."""
    from sqlalchemy import event  # noqa: PLC0415  # a service without SQLAlchemy must not import it

    def taken(_: Any, record: Any, __: Any) -> None:
        recorder.checked_out(id(record), backend_pid(record.driver_connection))

    def given(_: Any, record: Any) -> None:
        with recorder.returning(id(record)):  # the reset is done; only an append to a list follows
            pass

    event.listen(pool, "checkout", taken)
    event.listen(pool, "checkin", given)


def backend_pid(connection: Any) -> int:
    """The pid of PostgreSQL's backend process for a connection of asyncpg, psycopg2 or psycopg."""
    if hasattr(connection, "get_server_pid"):
        return int(connection.get_server_pid())
    return int(connection.info.backend_pid)
