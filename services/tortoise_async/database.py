"""Tortoise's connection over asyncpg's pool, open while the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.connection import get_connection
from tortoise.contrib.fastapi import RegisterTortoise

from services import metrics
from services.settings import Settings

settings = Settings.from_environment()


async def leave_as_it_is(_: asyncpg.pool.PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, because no request changes its session."""


CONFIG = {
    "connections": {
        "default": {
            "engine": __name__,  # Tortoise takes `client_class` from it
            "credentials": {
                "minsize": settings.pool_size,
                "maxsize": settings.pool_limit,
                "timeout": settings.connect_timeout_s,
                "reset": leave_as_it_is if settings.lean else None,
                # Behind a pooler: no prepared statements. The next transaction may be in another session, which has
                # none.
                "statement_cache_size": 0 if settings.pooled else 100,
            },
        }
    },
    "apps": {"models": {"models": ["services.tortoise_async.tables"]}},
}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pool, with all its connections at the start."""
    async with RegisterTortoise(app, config=CONFIG):
        client = get_connection("default")
        await client.create_connection(with_db=True)  # Tortoise connects on first use
        pool = client.pool  # type: ignore[attr-defined]  # it is a Client
        metrics.watch(settings, pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield


class Client(AsyncpgDBClient):
    """Tortoise's client, whose pool takes the address as asyncpg reads it: Tortoise would pass libpq's parameters on as
    arguments, which asyncpg refuses.
    """

    pool: asyncpg.Pool

    async def create_pool(self, **options: Any) -> "PatientPool":
        """Called by Tortoise with the credentials, and the parts of an address, which the URL has."""
        for part in ("host", "port", "user", "password", "database"):
            del options[part]
        self.pool = await asyncpg.create_pool(settings.database_url, **options)
        return PatientPool(self.pool)


class PatientPool:
    """asyncpg's pool, for Tortoise, which would wait for a connection forever. Raises TimeoutError.

    `pool.acquire(timeout=...)` would time the release, too.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._acquire = pool.acquire
        self.release, self.close, self.terminate = pool.release, pool.close, pool.terminate

    async def acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        """A connection, which came free in time."""
        async with asyncio.timeout(settings.pool_timeout_s):
            return await self._acquire()


client_class = Client
