"""The routes of the studies with psqlpy: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from psqlpy import Connection

from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi
from services.psqlpy_async import relations, streams
from services.psqlpy_async.database import connection, explicit_transaction, prepared, settings

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
        async with explicit_transaction(conn):
            return await find_note(conn, note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # One connection for each request. It is held during the call, but psqlpy begins no transaction by itself.
        async with connection() as conn:
            await find_note(conn, note_id)
            return await write_note(conn, note_id, await external_api.note(note_id))
    async with connection() as conn, explicit_transaction(conn):
        await find_note(conn, note_id)
    data = await external_api.note(note_id)
    async with connection() as conn, explicit_transaction(conn):
        return await write_note(conn, note_id, data)


async def find_note(conn: Connection, note_id: int) -> models.Note:
    found = await conn.execute(READ_NOTE, [note_id], prepared)
    notes = found.as_class(models.Note)
    if not notes:
        raise errors.note_not_found(note_id)
    return notes[0]


async def write_note(conn: Connection, note_id: int, data: str) -> models.Note:
    written = await conn.execute(WRITE_NOTE, [note_id, data], prepared)
    notes = written.as_class(models.Note)
    if not notes:
        raise errors.note_not_found(note_id)
    return notes[0]


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with connection() as conn:
        await conn.execute(READ_USER, [operations.SLEEPERS_USER], prepared)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with connection() as conn:
        await conn.execute("SELECT pg_sleep($1)::text", [seconds], prepared)


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    async with connection() as conn:
        found = await conn.execute(READ_PRODUCTS, [user_id], prepared)
    return frames.products_ordered(found.result(as_tuple=True))


async def read_orders(user_id: int) -> "frames.Table":
    async with connection() as conn:
        found = await conn.execute(READ_ORDERS, [user_id], prepared)
    return frames.orders_with_items(found.result(as_tuple=True))


router.include_router(relations.router)
router.include_router(streams.router)
