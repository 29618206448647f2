"""The routes of the studies with SQLAlchemy Core: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi
from services.sqlalchemy_core_async import relations, streams
from services.sqlalchemy_core_async.database import engine, settings
from services.tables import notes, order_items, orders, products, users

READ_NOTE = select(notes).where(notes.c.id == bindparam("note_id"))
WRITE_NOTE = update(notes).where(notes.c.id == bindparam("note_id")).returning(notes)
READ_USER = select(users).where(users.c.id == bindparam("user_id"))
READ_PRODUCTS = (
    select(products)
    .join(order_items, order_items.c.product_id == products.c.id)
    .join(orders, orders.c.id == order_items.c.order_id)
    .where(orders.c.user_id == bindparam("user_id"))
    .distinct()
    .order_by(products.c.id)
)
READ_ORDERS = (
    select(
        orders.c.id.label("order_id"),
        orders.c.created_at,
        order_items.c.id.label("item_id"),
        order_items.c.product_id,
        order_items.c.quantity,
        order_items.c.price,
    )
    .outerjoin_from(orders, order_items, order_items.c.order_id == orders.c.id)
    .where(orders.c.user_id == bindparam("user_id"))
    .order_by(orders.c.id, order_items.c.id)
)

# These routes compare transactions: a connection begins one with its first statement, even in the profile lean.
transactional = engine.execution_options(isolation_level="READ COMMITTED") if settings.lean else engine
external_api = AsyncExternalApi(settings.external_api_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with external_api:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        async with transactional.connect() as conn:
            return await find_note(conn, note_id)
    async with transactional.begin() as conn:
        return await find_note(conn, note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        async with transactional.connect() as conn:
            await find_note(conn, note_id)
            note = await write_note(conn, note_id, await external_api.note(note_id))
            await conn.commit()
        return note
    async with transactional.begin() as conn:
        await find_note(conn, note_id)
    data = await external_api.note(note_id)
    async with transactional.begin() as conn:
        return await write_note(conn, note_id, data)


async def find_note(conn: AsyncConnection, note_id: int) -> models.Note:
    row = (await conn.execute(READ_NOTE, {"note_id": note_id})).one_or_none()
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note.model_validate(row)


async def write_note(conn: AsyncConnection, note_id: int, data: str) -> models.Note:
    row = (await conn.execute(WRITE_NOTE, {"note_id": note_id, "data": data})).one_or_none()
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note.model_validate(row)


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with transactional.connect() as conn:
        (await conn.execute(READ_USER, {"user_id": operations.SLEEPERS_USER})).one()
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with engine.connect() as conn:
        await conn.execute(select(func.pg_sleep(seconds)))


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    ordered, with_items = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(ordered, with_items)


async def read_products(user_id: int) -> "frames.Table":
    async with engine.connect() as conn:
        rows = (await conn.execute(READ_PRODUCTS, {"user_id": user_id})).all()
    return frames.products_ordered([tuple(row) for row in rows])


async def read_orders(user_id: int) -> "frames.Table":
    async with engine.connect() as conn:
        rows = (await conn.execute(READ_ORDERS, {"user_id": user_id})).all()
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
