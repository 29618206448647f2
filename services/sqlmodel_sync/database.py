"""SQLAlchemy's engine on psycopg2, whose pool is open while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlmodel import QueuePool, create_engine

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
engine = create_engine(
    make_url(settings.database_url).set(drivername="postgresql+psycopg2"),
    pool_size=settings.pool_size,
    max_overflow=settings.pool_overflow,
    pool_timeout=settings.pool_timeout_s,
    # Lean: each statement is a transaction, without BEGIN and COMMIT. SQLAlchemy's documentation derives such an engine
    # from this one by execution_options(). That would set the level on every checkout, and reset it on every return.
    **({"isolation_level": "AUTOCOMMIT"} if settings.lean else {}),
    connect_args={"options": settings.options},
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool with all its connections at the start, and set the number of threads."""
    current_default_thread_limiter().total_tokens = settings.threads
    # The engine connects on first use: open the whole pool now, as the other services do.
    for conn in [engine.connect() for _ in range(settings.pool_size)]:
        conn.close()
    pool = cast("QueuePool", engine.pool)
    metrics.watch(settings, pool_connections=lambda: pool.checkedin() + pool.checkedout(), pool_idle=pool.checkedin)
    yield
    engine.dispose()
