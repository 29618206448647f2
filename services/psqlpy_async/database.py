"""psqlpy's own pool, open while the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import FastAPI
from psqlpy import Connection, ConnectionPool, SslMode

from services import metrics
from services.settings import Settings

LEAST_SIZE = 2  # psqlpy creates no smaller pool, but lets one shrink

settings = Settings.from_environment()
# Whatever the URL says, psqlpy has no TLS unless one of these two arguments asks for it.
address, _, query = settings.database_url.partition("?")
parameters = dict(parse_qsl(query))
ca_file = parameters.pop("sslrootcert", None)
pool = ConnectionPool(
    f"{address}?{urlencode(parameters, quote_via=quote)}",
    max_db_pool_size=max(settings.pool_limit, LEAST_SIZE),
    ssl_mode=SslMode.Require if parameters.get("sslmode") == "require" else None,
    ca_file=ca_file,
)
# Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
prepared = not settings.pooled


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    # The pool connects on first use: open all of it now, as the other services do.
    connections = await asyncio.gather(*(pool.connection() for _ in range(max(settings.pool_size, LEAST_SIZE))))
    for conn in connections:
        conn.close()
    if settings.pool_limit < LEAST_SIZE:
        pool.resize(settings.pool_limit)
    metrics.watch(settings, pool_connections=lambda: pool.status().size, pool_idle=lambda: pool.status().available)
    yield
    pool.close()


class connection:  # noqa: N801  # it is used like a function
    """A pooled connection, for an `async with` block. Raises TimeoutError when none becomes free in time.

    `pool.acquire()` is shorter, but waits for a connection forever, without a timeout. A function with
    @asynccontextmanager costs more: the event loop keeps a list of all async generators.
    """

    async def __aenter__(self) -> Connection:
        async with asyncio.timeout(settings.pool_timeout_s):
            self._conn = await pool.connection()
        if settings.pooled:
            await self._begin()
        return self._conn

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            if settings.pooled:
                await (self._transaction.rollback() if error else self._transaction.commit())
        finally:
            self._conn.close()

    async def _begin(self) -> None:
        """Behind a pooler: a transaction. psqlpy asks for a statement's types first, which needs the same session."""
        self._transaction = self._conn.transaction()
        try:
            await self._transaction.begin()
        except BaseException:
            self._conn.close()
            raise


def explicit_transaction(conn: Connection) -> AbstractAsyncContextManager[object]:
    """Behind a pooler, each use of a connection is a transaction already."""
    return nullcontext() if settings.pooled else conn.transaction()
