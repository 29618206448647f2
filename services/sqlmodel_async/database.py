"""SQLAlchemy's engine on asyncpg, whose pool is open while the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from fastapi import FastAPI
from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import create_async_engine

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
engine = create_async_engine(
    "postgresql+asyncpg://",
    pool_size=settings.pool_size,
    max_overflow=settings.pool_overflow,
    pool_timeout=settings.pool_timeout_s,
    # Lean: each statement is a transaction, without BEGIN and COMMIT. SQLAlchemy's documentation derives such an engine
    # from this one by execution_options(). That would set the level on every checkout, and reset it on every return.
    **({"isolation_level": "AUTOCOMMIT"} if settings.lean else {}),
    # asyncpg reads the URL itself: SQLAlchemy would pass libpq's parameters as arguments, which asyncpg refuses.
    connect_args={
        "dsn": settings.database_url,
        "timeout": settings.connect_timeout_s,
        # Behind a pooler: no prepared statements. The next transaction may be in another session, which has none.
        # SQLAlchemy prepares each statement nevertheless: without a name, it leaves nothing in the session.
        **(
            {
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: "",
            }
            if settings.pooled
            else {}
        ),
    },
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    # The engine connects on first use: open the whole pool now, as the other services do.
    connections = await asyncio.gather(*(engine.connect() for _ in range(settings.pool_size)))
    for conn in connections:
        await conn.close()
    pool = cast("AsyncAdaptedQueuePool", engine.pool)
    metrics.watch(settings, pool_connections=lambda: pool.checkedin() + pool.checkedout(), pool_idle=pool.checkedin)
    yield
    await engine.dispose()
