"""asyncpg: its own pool, plain SQL, one connection a request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request, Response
from prometheus_client import Gauge

from services.contract import (
    CONFLICT,
    NOT_FOUND,
    UNAVAILABLE,
    USERS_CREATED,
    Health,
    Limit,
    Offset,
    Pong,
    ReadCount,
    Seed,
    User,
    UserFields,
    UserId,
    add_error_handlers,
    email_taken,
    point_read_ids,
    user_has_orders,
    user_not_found,
)
from services.introspection import health_of, metrics_of_this_process
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = $1"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET $1 LIMIT $2"
CREATE_USER = "INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = $1 RETURNING id"

settings = Settings.from_environment()


async def leave_as_it_is(_: asyncpg.pool.PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, since no request changes its session."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        settings.database_url,
        min_size=settings.pool_size,
        max_size=settings.pool_limit,
        reset=leave_as_it_is if settings.lean else None,
    ) as pool:
        app.state.pool = pool
        Gauge("pool_connections", "Connections that the pool holds.").set_function(pool.get_size)
        Gauge("pool_connections_idle", "Connections waiting in the pool.").set_function(pool.get_idle_size)
        yield


app = FastAPI(title="asyncpg", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app)


def connection() -> asyncpg.pool.PoolAcquireContext:
    return app.state.pool.acquire(timeout=settings.pool_timeout_s)


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("asyncpg_async", settings, request)


@app.get("/ping")
async def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_this_process()


@app.get("/users/{user_id}", responses=NOT_FOUND)
async def read_user(user_id: UserId) -> User:
    async with connection() as conn:
        row = await conn.fetchrow(READ_USER, user_id)
    if row is None:
        raise user_not_found(user_id)
    return User(**row)


@app.get("/users")
async def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    async with connection() as conn:
        rows = await conn.fetch(LIST_USERS, offset, limit)
    return [User(**row) for row in rows]


@app.post("/users", status_code=201, responses=CONFLICT)
async def create_user(fields: UserFields) -> User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(CREATE_USER, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise email_taken() from None
    USERS_CREATED.inc()
    return User(**row)


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
async def update_user(user_id: UserId, fields: UserFields) -> User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(UPDATE_USER, user_id, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise email_taken() from None
    if row is None:
        raise user_not_found(user_id)
    return User(**row)


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
async def delete_user(user_id: UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(DELETE_USER, user_id)
    except asyncpg.ForeignKeyViolationError:
        raise user_has_orders(user_id) from None
    if row is None:
        raise user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: ReadCount, seed: Seed) -> list[User]:
    async with connection() as conn:
        rows = [
            await conn.fetchrow(READ_USER, user_id) for user_id in point_read_ids(count, seed, settings.dataset_users)
        ]
    return [User(**row) for row in rows]
