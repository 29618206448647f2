"""psycopg2's pool for threads, open while the application runs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from threading import BoundedSemaphore

from fastapi import FastAPI
from psycopg2.extras import RealDictCursor
from psycopg2.pool import ThreadedConnectionPool

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()
# psycopg2's pool raises at once when it is empty: this semaphore makes a thread wait for a connection instead. Only the
# simulation has a second thread. Requests never wait here, because the one that holds a connection blocks all others.
free_connections = BoundedSemaphore(settings.pool_limit)
pool: ThreadedConnectionPool


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool with all its connections at the start."""
    global pool  # noqa: PLW0603  # it connects when it is created
    # On return, the pool closes connections beyond its minimum, so minimum and maximum must be the same.
    pool = ThreadedConnectionPool(
        settings.pool_limit,
        settings.pool_limit,
        settings.database_url,
        cursor_factory=RealDictCursor,
        options=settings.options,
    )
    metrics.watch(
        settings,
        pool_connections=lambda: settings.pool_limit,
        pool_idle=lambda: len(pool._pool),  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
    )
    yield
    pool.closeall()


@contextmanager
def cursor(*, autocommit: bool = settings.lean) -> Iterator[RealDictCursor]:
    """A cursor in its own transaction: committed at the end of the block, rolled back if the block raises.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    if not free_connections.acquire(timeout=settings.pool_timeout_s):
        raise TimeoutError
    try:
        conn = pool.getconn()
        try:
            conn.autocommit = autocommit
            with nullcontext() if autocommit else conn, conn.cursor() as cur:
                yield cur  # type: ignore[misc]  # the pool's cursor_factory creates it
        finally:
            pool.putconn(conn)
    finally:
        free_connections.release()
