"""The routes of the studies with asyncpg: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import APIRouter, FastAPI

from services.asyncpg_async import relations, streams
from services.asyncpg_async.database import connection, settings
from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi

READ_NOTE = "SELECT id, data FROM notes WHERE id = $1"
WRITE_NOTE = "UPDATE notes SET data = $2 WHERE id = $1 RETURNING id, data"
READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = $1"
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

external_api = AsyncExternalApi(settings.external_api_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with external_api:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    async with connection() as conn:
        if transaction == "implicit":
            return await find_note(conn, note_id)
        async with conn.transaction():
            return await find_note(conn, note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # One connection for each request. It is held during the call, but asyncpg begins no transaction by itself.
        async with connection() as conn:
            await find_note(conn, note_id)
            return await write_note(conn, note_id, await external_api.note(note_id))
    async with connection() as conn, conn.transaction():
        await find_note(conn, note_id)
    data = await external_api.note(note_id)
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


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with connection() as conn:
        await conn.fetchrow(READ_USER, operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with connection() as conn:
        await conn.execute("SELECT pg_sleep($1)", seconds)


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    async with connection() as conn:
        rows = await conn.fetch(READ_PRODUCTS, user_id)
    return frames.products_ordered([tuple(row) for row in rows])


async def read_orders(user_id: int) -> "frames.Table":
    async with connection() as conn:
        rows = await conn.fetch(READ_ORDERS, user_id)
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
