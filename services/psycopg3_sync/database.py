"""psycopg 3's own pool, open while the application runs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from psycopg import Connection
from psycopg_pool import ConnectionPool

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
pool = ConnectionPool(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    kwargs={"options": settings.options},
    open=False,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Have the pool open, with all its connections from the start, and as many threads as are set."""
    current_default_thread_limiter().total_tokens = settings.threads
    pool.open(wait=True)
    metrics.watch(
        pool_connections=lambda: pool.get_stats()["pool_size"], pool_idle=lambda: pool.get_stats()["pool_available"]
    )
    yield
    pool.close()


@contextmanager
def connection(*, autocommit: bool = settings.lean) -> Iterator[Connection]:
    """A pooled connection in a transaction: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT. That is set on every use, in place of once for the
    pool, since operations whose transactions are the question share it. It costs no round trip.
    """
    with pool.connection() as conn:
        conn.autocommit = autocommit
        yield conn
