"""asyncpg: its own pool, plain SQL, one connection a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import polars as pl
from fastapi import FastAPI, Request, Response

from services.contract import errors, frames, models, operations, params, point_reads
from services.external import AsyncExternalApi
from services.introspection import health_of
from services.metrics import USERS_CREATED, metrics_of_all_workers, watch
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = $1"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET $1 LIMIT $2"
CREATE_USER = "INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = $1 RETURNING id"
READ_NOTE = "SELECT id, data FROM notes WHERE id = $1"
WRITE_NOTE = "UPDATE notes SET data = $2 WHERE id = $1 RETURNING id, data"
READ_PRODUCTS = """
    SELECT DISTINCT products.id, products.name, products.price
    FROM orders
    JOIN order_items ON order_items.order_id = orders.id
    JOIN products ON products.id = order_items.product_id
    WHERE orders.user_id = $1
    ORDER BY products.id
"""
READ_ORDERS = """
    SELECT orders.id AS order_id, orders.created_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = $1
    ORDER BY orders.id, order_items.id
"""

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
        app.state.external_api = AsyncExternalApi(settings.external_api_url)
        watch(pool_connections=pool.get_size, pool_idle=pool.get_idle_size)
        yield
        await app.state.external_api.close()


app = FastAPI(title="asyncpg", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


def connection() -> asyncpg.pool.PoolAcquireContext:
    return app.state.pool.acquire(timeout=settings.pool_timeout_s)


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("asyncpg_async", settings, request)


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn:
        row = await conn.fetchrow(READ_USER, user_id)
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn:
        rows = await conn.fetch(LIST_USERS, offset, limit)
    return [models.User(**row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(CREATE_USER, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return models.User(**row)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(UPDATE_USER, user_id, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(DELETE_USER, user_id)
    except asyncpg.ForeignKeyViolationError:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    async with connection() as conn:
        rows = [
            await conn.fetchrow(READ_USER, user_id) for user_id in point_reads.ids(count, seed, settings.dataset_users)
        ]
    return [models.User(**row) for row in rows]


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
        # One connection a request: it is held during the call, but asyncpg begins no transaction by itself.
        async with connection() as conn:
            await find_note(conn, note_id)
            return await write_note(conn, note_id, await app.state.external_api.note(note_id))
    async with connection() as conn, conn.transaction():
        await find_note(conn, note_id)
    data = await app.state.external_api.note(note_id)
    async with connection() as conn, conn.transaction():
        return await write_note(conn, note_id, data)


async def find_note(conn: asyncpg.pool.PoolConnectionProxy, note_id: int) -> models.Note:
    row = await conn.fetchrow(READ_NOTE, note_id)
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row)


async def write_note(conn: asyncpg.pool.PoolConnectionProxy, note_id: int, data: str) -> models.Note:
    row = await conn.fetchrow(WRITE_NOTE, note_id, data)
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row)


@app.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with connection() as conn:
        await conn.fetchrow(READ_USER, operations.SLEEPERS_USER)
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
        rows = await conn.fetch(READ_PRODUCTS, user_id)
    return pl.DataFrame([tuple(row) for row in rows], frames.PRODUCTS_ORDERED, orient="row")


async def read_orders(user_id: int) -> pl.DataFrame:
    async with connection() as conn:
        rows = await conn.fetch(READ_ORDERS, user_id)
    return pl.DataFrame([tuple(row) for row in rows], frames.ORDERS_WITH_ITEMS, orient="row")
