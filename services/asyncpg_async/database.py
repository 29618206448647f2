"""asyncpg's own pool, open while the application runs."""

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
    """Have the pool open, with all its connections from the start."""
    global pool  # it belongs to the event loop that runs when it is made
    async with asyncpg.create_pool(
        settings.database_url,
        min_size=settings.pool_size,
        max_size=settings.pool_limit,
        reset=leave_as_it_is if settings.lean else None,
    ) as pool:
        metrics.watch(pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield


def connection() -> asyncpg.pool.PoolAcquireContext:
    """A pooled connection, for an `async with` block.

    Shorter would be `pool.fetchrow(...)`, but that waits for a connection without end: only `acquire` has a time-out.
    """
    return pool.acquire(timeout=settings.pool_timeout_s)


async def leave_as_it_is(_: asyncpg.pool.PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, since no request changes its session."""
