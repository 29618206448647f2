"""The routes of the studies with SQLModel: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlmodel import col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from services import sqlmodel_tables as tables
from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi
from services.sqlmodel_async import relations, streams
from services.sqlmodel_async.database import engine, settings

# These routes compare transactions: a session begins one with its first statement, even in the profile lean.
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
        async with AsyncSession(transactional) as session:
            return models.Note.model_validate(await find_note(session, note_id))
    async with AsyncSession(transactional) as session, session.begin():
        return models.Note.model_validate(await find_note(session, note_id))


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        async with AsyncSession(transactional, expire_on_commit=False) as session:
            note = await find_note(session, note_id)
            note.data = await external_api.note(note_id)
            session.add(note)
            await session.commit()
        return models.Note.model_validate(note)
    async with AsyncSession(transactional, expire_on_commit=False) as session, session.begin():
        note = await find_note(session, note_id)
    note.data = await external_api.note(note_id)
    async with AsyncSession(transactional) as session, session.begin():
        await session.exec(update(tables.Note).where(col(tables.Note.id) == note_id).values(data=note.data))
    return models.Note.model_validate(note)


async def find_note(session: AsyncSession, note_id: int) -> tables.Note:
    note = await session.get(tables.Note, note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with AsyncSession(transactional) as session:
        await session.get_one(tables.User, operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with AsyncSession(engine) as session:
        await session.exec(select(func.pg_sleep(seconds)))


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    query = (
        select(col(tables.Product.id), col(tables.Product.name), col(tables.Product.price))
        .join(tables.OrderItem, col(tables.OrderItem.product_id) == tables.Product.id)
        .join(tables.Order, col(tables.Order.id) == tables.OrderItem.order_id)
        .where(tables.Order.user_id == user_id)
        .distinct()
        .order_by(col(tables.Product.id))
    )
    async with AsyncSession(engine) as session:
        rows = (await session.exec(query)).all()
    return frames.products_ordered([tuple(row) for row in rows])


async def read_orders(user_id: int) -> "frames.Table":
    item = tables.OrderItem
    query = (
        select(  # type: ignore[call-overload]  # it has types for up to four columns
            tables.Order.id, tables.Order.created_at, item.id, item.product_id, item.quantity, item.price
        )
        .outerjoin(item, col(item.order_id) == tables.Order.id)
        .where(tables.Order.user_id == user_id)
        .order_by(col(tables.Order.id), col(item.id))
    )
    async with AsyncSession(engine) as session:
        rows = (await session.exec(query)).all()
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
