"""The `databases` package: SQL with named parameters over asyncpg's pool, a connection a query."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncpg import ForeignKeyViolationError, UniqueViolationError
from asyncpg.pool import PoolConnectionProxy
from databases import Database
from databases.core import Connection
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

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = :id"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET :offset LIMIT :limit"
CREATE_USER = "INSERT INTO users (name, email) VALUES (:name, :email) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = :name, email = :email WHERE id = :id RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = :id RETURNING id"

settings = Settings.from_environment()


async def leave_as_it_is(_: PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, since no request changes its session."""


database = Database(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    reset=leave_as_it_is if settings.lean else None,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with database:
        pool = database._backend._pool  # asyncpg's, which `databases` keeps to itself
        Gauge("pool_connections", "Connections that the pool holds.").set_function(pool.get_size)
        Gauge("pool_connections_idle", "Connections waiting in the pool.").set_function(pool.get_idle_size)
        yield


app = FastAPI(title="databases", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app)


@asynccontextmanager
async def connection() -> AsyncIterator[Connection]:
    """A pooled connection. `databases` itself would wait for one without end."""
    async with asyncio.timeout(settings.pool_timeout_s) as waiting, database.connection() as conn:
        waiting.reschedule(None)
        yield conn


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("databases_async", settings, request)


@app.get("/ping")
async def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_this_process()


@app.get("/users/{user_id}", responses=NOT_FOUND)
async def read_user(user_id: UserId) -> User:
    async with connection() as conn:
        row = await conn.fetch_one(READ_USER, {"id": user_id})
    if row is None:
        raise user_not_found(user_id)
    return User(**row._mapping)


@app.get("/users")
async def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    async with connection() as conn:
        rows = await conn.fetch_all(LIST_USERS, {"offset": offset, "limit": limit})
    return [User(**row._mapping) for row in rows]


@app.post("/users", status_code=201, responses=CONFLICT)
async def create_user(fields: UserFields) -> User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(CREATE_USER, {"name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise email_taken() from None
    USERS_CREATED.inc()
    return User(**row._mapping)  # type: ignore[union-attr]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
async def update_user(user_id: UserId, fields: UserFields) -> User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(UPDATE_USER, {"id": user_id, "name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise email_taken() from None
    if row is None:
        raise user_not_found(user_id)
    return User(**row._mapping)


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
async def delete_user(user_id: UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(DELETE_USER, {"id": user_id})
    except ForeignKeyViolationError:
        raise user_has_orders(user_id) from None
    if row is None:
        raise user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: ReadCount, seed: Seed) -> list[User]:
    async with connection() as conn:
        rows = [
            await conn.fetch_one(READ_USER, {"id": user_id})
            for user_id in point_read_ids(count, seed, settings.dataset_users)
        ]
    return [User(**row._mapping) for row in rows]  # type: ignore[union-attr]  # every id of the dataset is there
