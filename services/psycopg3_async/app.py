"""psycopg 3, asynchronous: its own pool, plain SQL, one transaction a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import polars as pl
from fastapi import FastAPI, Request, Response
from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from services.contract import errors, frames, models, operations, params, point_reads
from services.external import AsyncExternalApi
from services.introspection import health_of
from services.metrics import USERS_CREATED, metrics_of_all_workers, watch
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"
CREATE_USER = "INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = %s, email = %s WHERE id = %s RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = %s RETURNING id"
READ_NOTE = "SELECT id, data FROM notes WHERE id = %s"
WRITE_NOTE = "UPDATE notes SET data = %s WHERE id = %s RETURNING id, data"
READ_PRODUCTS = """
    SELECT DISTINCT products.id, products.name, products.price
    FROM orders
    JOIN order_items ON order_items.order_id = orders.id
    JOIN products ON products.id = order_items.product_id
    WHERE orders.user_id = %s
    ORDER BY products.id
"""
READ_ORDERS = """
    SELECT orders.id AS order_id, orders.created_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = %s
    ORDER BY orders.id, order_items.id
"""

settings = Settings.from_environment()
pool = AsyncConnectionPool(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    kwargs={"options": settings.options},
    open=False,
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await pool.open(wait=True)
    app.state.external_api = AsyncExternalApi(settings.external_api_url)
    watch(pool_connections=lambda: pool.get_stats()["pool_size"], pool_idle=lambda: pool.get_stats()["pool_available"])
    yield
    await app.state.external_api.close()
    await pool.close()


app = FastAPI(title="psycopg 3 (async)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeout)


@asynccontextmanager
async def connection(*, autocommit: bool = settings.lean) -> AsyncIterator[AsyncConnection]:
    """A pooled connection in a transaction: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    async with pool.connection() as conn:
        await conn.set_autocommit(autocommit)
        yield conn


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("psycopg3_async", settings, request)


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        await cur.execute(READ_USER, (user_id,))
        user = await cur.fetchone()
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        await cur.execute(LIST_USERS, (offset, limit))
        return await cur.fetchall()


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            await cur.execute(CREATE_USER, (fields.name, fields.email))
            user = await cur.fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return user  # type: ignore[return-value]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            await cur.execute(UPDATE_USER, (fields.name, fields.email, user_id))
            user = await cur.fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            cur = await conn.execute(DELETE_USER, (user_id,))
            row = await cur.fetchone()
    except ForeignKeyViolation:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    users: list[models.User] = []
    async with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        for user_id in point_reads.ids(count, seed, settings.dataset_users):
            await cur.execute(READ_USER, (user_id,))
            users += await cur.fetchall()
    return users


@app.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:  # noqa: ARG001  # either way in one
    async with connection(autocommit=False) as conn:
        return await find_note(conn, note_id)


@app.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction: it stays open, and has its connection, during the call.
        async with connection(autocommit=False) as conn:
            await find_note(conn, note_id)
            return await write_note(conn, note_id, await app.state.external_api.note(note_id))
    async with connection(autocommit=False) as conn:
        await find_note(conn, note_id)
    data = await app.state.external_api.note(note_id)
    async with connection(autocommit=False) as conn:
        return await write_note(conn, note_id, data)


async def find_note(conn: AsyncConnection, note_id: int) -> models.Note:
    async with conn.cursor(row_factory=class_row(models.Note)) as cur:
        await cur.execute(READ_NOTE, (note_id,))
        note = await cur.fetchone()
    if note is None:
        raise errors.note_not_found(note_id)
    return note


async def write_note(conn: AsyncConnection, note_id: int, data: str) -> models.Note:
    async with conn.cursor(row_factory=class_row(models.Note)) as cur:
        await cur.execute(WRITE_NOTE, (data, note_id))
        note = await cur.fetchone()
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@app.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with connection(autocommit=False) as conn:
        await conn.execute(READ_USER, (operations.SLEEPERS_USER,))
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
        cur = await conn.execute(READ_PRODUCTS, (user_id,))
        rows = await cur.fetchall()
    return pl.DataFrame(rows, frames.PRODUCTS_ORDERED, orient="row")


async def read_orders(user_id: int) -> pl.DataFrame:
    async with connection() as conn:
        cur = await conn.execute(READ_ORDERS, (user_id,))
        rows = await cur.fetchall()
    return pl.DataFrame(rows, frames.ORDERS_WITH_ITEMS, orient="row")
