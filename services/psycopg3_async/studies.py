"""The routes of the studies with psycopg 3: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import APIRouter, FastAPI
from psycopg import AsyncConnection
from psycopg.rows import class_row

from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi
from services.psycopg3_async import relations, streams
from services.psycopg3_async.database import pool, settings

READ_NOTE = "SELECT id, data FROM notes WHERE id = %s"
WRITE_NOTE = "UPDATE notes SET data = %s WHERE id = %s RETURNING id, data"
READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
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

external_api = AsyncExternalApi(settings.external_api_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with external_api:
        yield


router = APIRouter(lifespan=lifespan)


@asynccontextmanager
async def in_transaction() -> AsyncIterator[AsyncConnection]:
    """A pooled connection in a transaction, also in the profile lean: these routes compare transactions."""
    async with pool.connection() as conn, conn.transaction() if settings.lean else nullcontext():
        yield conn


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:  # noqa: ARG001  # always in a transaction
    async with in_transaction() as conn:
        return await find_note(conn, note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        async with in_transaction() as conn:
            await find_note(conn, note_id)
            return await write_note(conn, note_id, await external_api.note(note_id))
    async with in_transaction() as conn:
        await find_note(conn, note_id)
    data = await external_api.note(note_id)
    async with in_transaction() as conn:
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


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with in_transaction() as conn:
        await conn.execute(READ_USER, (operations.SLEEPERS_USER,))
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with pool.connection() as conn:
        await conn.execute("SELECT pg_sleep(%s)", (seconds,))


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    async with pool.connection() as conn:
        cur = await conn.execute(READ_PRODUCTS, (user_id,))
        rows = await cur.fetchall()
    return frames.products_ordered(rows)


async def read_orders(user_id: int) -> "frames.Table":
    async with pool.connection() as conn:
        cur = await conn.execute(READ_ORDERS, (user_id,))
        rows = await cur.fetchall()
    return frames.orders_with_items(rows)


router.include_router(relations.router)
router.include_router(streams.router)
