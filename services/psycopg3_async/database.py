"""psycopg 3's own pool, open while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
pool = AsyncConnectionPool(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    kwargs={"options": settings.options},
    open=False,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Have the pool open, with all its connections from the start."""
    await pool.open(wait=True)
    metrics.watch(
        pool_connections=lambda: pool.get_stats()["pool_size"], pool_idle=lambda: pool.get_stats()["pool_available"]
    )
    yield
    await pool.close()


@asynccontextmanager
async def connection(*, autocommit: bool = settings.lean) -> AsyncIterator[AsyncConnection]:
    """A pooled connection in a transaction: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT. That is set on every use, in place of once for the
    pool, since operations whose transactions are the question share it. It costs no round trip.
    """
    async with pool.connection() as conn:
        await conn.set_autocommit(autocommit)
        yield conn
