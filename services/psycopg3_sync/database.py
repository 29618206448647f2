"""psycopg 3's own pool, open while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
pool = ConnectionPool(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    kwargs={
        "options": settings.options,
        # Lean: each statement is a transaction, without BEGIN and COMMIT.
        "autocommit": settings.lean,
        # Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
        "prepare_threshold": None if settings.pooled else 5,
    },
    open=False,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool with all its connections at the start, and set the number of threads."""
    current_default_thread_limiter().total_tokens = settings.threads
    pool.open(wait=True)
    metrics.watch(
        settings,
        pool_connections=lambda: pool.get_stats()["pool_size"],
        pool_idle=lambda: pool.get_stats()["pool_available"],
    )
    yield
    pool.close()
