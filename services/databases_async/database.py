"""The `databases` package over asyncpg's pool, open while the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asyncpg.pool import PoolConnectionProxy
from databases import Database
from databases.core import Connection
from fastapi import FastAPI

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()


async def leave_as_it_is(_: PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, because no request changes its session."""


database = Database(
    settings.database_url,
    timeout=settings.connect_timeout_s,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    reset=leave_as_it_is if settings.lean else None,
    # Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
    statement_cache_size=0 if settings.pooled else 100,
    dsn=settings.database_url,  # `databases` reads only host, user and database from it; asyncpg reads everything
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    async with database:
        pool = database._backend._pool  # asyncpg's pool, which `databases` does not expose
        metrics.watch(settings, pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield


class connection:  # noqa: N801  # it is used like a function
    """A pooled connection, for an `async with` block. Raises TimeoutError when none becomes free in time.

    `database.fetch_one(...)` would be shorter, but it waits for a connection forever, without a timeout. As a function
    with @asynccontextmanager this would cost more: the event loop keeps a list of all async generators.
    """

    async def __aenter__(self) -> Connection:
        self._conn = database.connection()
        async with asyncio.timeout(settings.pool_timeout_s):
            return await self._conn.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._conn.__aexit__(*error)
