"""peewee's pool on psycopg2, open while the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from peewee import Psycopg2Adapter
from playhouse.pool import PooledPostgresqlDatabase

from services import metrics
from services.settings import Settings


class UncheckedAdapter(Psycopg2Adapter):
    """Lean: the pool hands out a connection without a SELECT 1 that shows whether the server is still there."""

    def is_connection_closed(self, conn: object) -> bool:  # noqa: ARG002  # the pool passes it
        """The pool itself sees a connection that the client has closed."""
        return False


class UncheckedDatabase(PooledPostgresqlDatabase):  # type: ignore[misc]  # playhouse has no types
    """A pool that uses this adapter."""

    psycopg2_adapter = UncheckedAdapter


settings = Settings.from_environment()
database = (UncheckedDatabase if settings.lean else PooledPostgresqlDatabase)(
    settings.database_url,
    max_connections=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    options=settings.options,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool with all its connections at the start, and set the number of threads."""
    current_default_thread_limiter().total_tokens = settings.threads
    # The pool connects on first use: open all of it now, as the other services do. By public methods, a thread has only
    # one connection.
    for conn in [database._connect() for _ in range(settings.pool_size)]:
        database._close(conn)
    metrics.watch(
        settings,
        pool_connections=lambda: len(database._connections) + len(database._in_use),
        pool_idle=lambda: len(database._connections),
    )
    yield
    database.close_all()
