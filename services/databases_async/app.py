"""The `databases` package: SQL with named parameters over asyncpg's pool, a connection a query."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import polars as pl
from asyncpg import ForeignKeyViolationError, UniqueViolationError
from asyncpg.pool import PoolConnectionProxy
from databases import Database
from databases.core import Connection
from fastapi import FastAPI, Request, Response

from services.contract import errors, frames, models, operations, params, point_reads
from services.external import AsyncExternalApi
from services.introspection import health_of
from services.metrics import USERS_CREATED, metrics_of_all_workers, watch
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = :id"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET :offset LIMIT :limit"
CREATE_USER = "INSERT INTO users (name, email) VALUES (:name, :email) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = :name, email = :email WHERE id = :id RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = :id RETURNING id"
READ_NOTE = "SELECT id, data FROM notes WHERE id = :id"
WRITE_NOTE = "UPDATE notes SET data = :data WHERE id = :id RETURNING id, data"
READ_PRODUCTS = """
    SELECT DISTINCT products.id, products.name, products.price
    FROM orders
    JOIN order_items ON order_items.order_id = orders.id
    JOIN products ON products.id = order_items.product_id
    WHERE orders.user_id = :user_id
    ORDER BY products.id
"""
READ_ORDERS = """
    SELECT orders.id AS order_id, orders.created_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = :user_id
    ORDER BY orders.id, order_items.id
"""

settings = Settings.from_environment()


async def leave_as_it_is(_: PoolConnectionProxy) -> None:
    """Lean: no reset when a connection is returned, since no request changes its session."""


database = Database(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    reset=leave_as_it_is if settings.lean else None,
    dsn=settings.database_url,  # `databases` reads no more than host, user and database from it; asyncpg reads all
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with database:
        app.state.external_api = AsyncExternalApi(settings.external_api_url)
        pool = database._backend._pool  # asyncpg's, which `databases` keeps to itself
        watch(pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield
        await app.state.external_api.close()


app = FastAPI(title="databases", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@asynccontextmanager
async def connection() -> AsyncIterator[Connection]:
    """A pooled connection. `databases` itself would wait for one without end."""
    async with asyncio.timeout(settings.pool_timeout_s) as waiting, database.connection() as conn:
        waiting.reschedule(None)
        yield conn


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("databases_async", settings, request)


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn:
        row = await conn.fetch_one(READ_USER, {"id": user_id})
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row._mapping)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn:
        rows = await conn.fetch_all(LIST_USERS, {"offset": offset, "limit": limit})
    return [models.User(**row._mapping) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(CREATE_USER, {"name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return models.User(**row._mapping)  # type: ignore[union-attr]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(UPDATE_USER, {"id": user_id, "name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row._mapping)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(DELETE_USER, {"id": user_id})
    except ForeignKeyViolationError:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    async with connection() as conn:
        rows = [
            await conn.fetch_one(READ_USER, {"id": user_id})
            for user_id in point_reads.ids(count, seed, settings.dataset_users)
        ]
    return [models.User(**row._mapping) for row in rows]  # type: ignore[union-attr]  # every id of the dataset is there


@app.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    async with connection() as conn:
        if transaction == "implicit":
            return await find_note(conn, note_id)
        async with conn.transaction():
            return await find_note(conn, note_id)


@app.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # `databases` has a connection for each query, and begins no transaction by itself.
        async with connection() as conn:
            await find_note(conn, note_id)
        data = await app.state.external_api.note(note_id)
        async with connection() as conn:
            return await write_note(conn, note_id, data)
    async with connection() as conn, conn.transaction():
        await find_note(conn, note_id)
    data = await app.state.external_api.note(note_id)
    async with connection() as conn, conn.transaction():
        return await write_note(conn, note_id, data)


async def find_note(conn: Connection, note_id: int) -> models.Note:
    row = await conn.fetch_one(READ_NOTE, {"id": note_id})
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row._mapping)


async def write_note(conn: Connection, note_id: int, data: str) -> models.Note:
    row = await conn.fetch_one(WRITE_NOTE, {"id": note_id, "data": data})
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row._mapping)


@app.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with connection() as conn:
        await conn.fetch_one(READ_USER, {"id": operations.SLEEPERS_USER})
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@app.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> pl.DataFrame:
    async with connection() as conn:
        rows = await conn.fetch_all(READ_PRODUCTS, {"user_id": user_id})
    return pl.DataFrame([dict(row._mapping) for row in rows], frames.PRODUCTS_ORDERED)


async def read_orders(user_id: int) -> pl.DataFrame:
    async with connection() as conn:
        rows = await conn.fetch_all(READ_ORDERS, {"user_id": user_id})
    return pl.DataFrame([dict(row._mapping) for row in rows], frames.ORDERS_WITH_ITEMS)
