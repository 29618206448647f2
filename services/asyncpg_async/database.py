"""asyncpg's own pool, open while the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
pool: asyncpg.Pool


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    global pool  # it belongs to the event loop that runs when it is created
    async with asyncpg.create_pool(
        settings.database_url,
        timeout=settings.connect_timeout_s,
        min_size=settings.pool_size,
        max_size=settings.pool_limit,
        reset=leave_as_it_is if settings.lean else None,
        # Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
        statement_cache_size=0 if settings.pooled else 100,
    ) as pool:
        metrics.watch(settings, pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield


class connection:  # noqa: N801  # it is used like a function
    """A pooled connection, for an `async with` block. Raises TimeoutError when none becomes free in time.

    `pool.acquire(timeout=...)` is shorter, but times the release, too. A function with @asynccontextmanager costs more:
    the event loop keeps a list of all async generators.
    """

    async def __aenter__(self) -> asyncpg.pool.PoolConnectionProxy:
        async with asyncio.timeout(settings.pool_timeout_s):
            self._conn = await pool.acquire()
        return self._conn

    async def __aexit__(self, *_: object) -> None:
        await pool.release(self._conn)


async def leave_as_it_is(_: asyncpg.pool.PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, because no request changes its session."""
