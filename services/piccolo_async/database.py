"""Piccolo's engine over asyncpg's pool, open while the application runs."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from piccolo.engine import PostgresEngine

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
# The tables name it (`db=DB`): Piccolo would look for it in the module that the variable PICCOLO_CONF names.
# It asks the server for its version here, on a connection of its own, and writes nothing: it has no `extensions`.
DB = PostgresEngine(
    config={
        "dsn": settings.database_url,
        "timeout": settings.connect_timeout_s,
        # Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
        "statement_cache_size": 0 if settings.pooled else 100,
    }
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    await DB.start_connection_pool(
        min_size=settings.pool_size, max_size=settings.pool_limit, reset=leave_as_it_is if settings.lean else None
    )
    pool: asyncpg.Pool = DB.pool
    DB.pool = PatientPool(pool)
    metrics.watch(settings, pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
    yield
    await DB.close_connection_pool()


async def leave_as_it_is(_: asyncpg.pool.PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, because no request changes its session."""


class PatientPool:
    """asyncpg's pool, for Piccolo, which would wait for a connection forever. Raises TimeoutError.

    `pool.acquire(timeout=...)` would time the release, too.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool, self.release, self.close = pool, pool.release, pool.close

    def acquire(self) -> "Connection":
        """A connection that comes free in time."""
        return Connection(self.pool)


class Connection:
    """A pooled connection. Piccolo's queries have it in an `async with` block, its transactions await it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> asyncpg.pool.PoolConnectionProxy:
        async with asyncio.timeout(settings.pool_timeout_s):
            self._conn = await self._pool.acquire()
        return self._conn

    async def __aexit__(self, *_: object) -> None:
        await self._pool.release(self._conn)

    def __await__(self) -> Generator[Any, None, asyncpg.pool.PoolConnectionProxy]:
        return self.__aenter__().__await__()
