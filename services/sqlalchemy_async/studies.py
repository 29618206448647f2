"""The routes of the studies with SQLAlchemy's ORM: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services import tables
from services.contract import errors, frames, models, operations, params
from services.external import AsyncExternalApi
from services.sqlalchemy_async import relations, streams
from services.sqlalchemy_async.database import Session, engine, settings

# These routes compare transactions: a session begins one with its first statement, even in the profile lean.
transactional = engine.execution_options(isolation_level="READ COMMITTED") if settings.lean else engine
TransactionalSession = async_sessionmaker(transactional, expire_on_commit=False)
external_api = AsyncExternalApi(settings.external_api_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with external_api:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        async with TransactionalSession() as session:
            return models.Note.model_validate(await find_note(session, note_id))
    async with TransactionalSession.begin() as session:
        return models.Note.model_validate(await find_note(session, note_id))


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        async with TransactionalSession() as session:
            note = await find_note(session, note_id)
            note.data = await external_api.note(note_id)
            await session.commit()
        return models.Note.model_validate(note)
    async with TransactionalSession.begin() as session:
        note = await find_note(session, note_id)
    note.data = await external_api.note(note_id)
    async with TransactionalSession.begin() as session:
        await session.execute(update(tables.Note).where(tables.Note.id == note_id).values(data=note.data))
    return models.Note.model_validate(note)


async def find_note(session: AsyncSession, note_id: int) -> tables.Note:
    note = await session.get(tables.Note, note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with TransactionalSession() as session:
        await session.get_one(tables.User, operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    async with Session() as session:
        await session.execute(select(func.pg_sleep(seconds)))


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    query = (
        select(tables.Product.id, tables.Product.name, tables.Product.price)
        .join(tables.OrderItem, tables.OrderItem.product_id == tables.Product.id)
        .join(tables.Order, tables.Order.id == tables.OrderItem.order_id)
        .where(tables.Order.user_id == user_id)
        .distinct()
        .order_by(tables.Product.id)
    )
    async with Session() as session:
        rows = (await session.execute(query)).all()
    return frames.products_ordered([tuple(row) for row in rows])


async def read_orders(user_id: int) -> "frames.Table":
    item = tables.OrderItem
    query = (
        select(tables.Order.id, tables.Order.created_at, item.id, item.product_id, item.quantity, item.price)
        .outerjoin(item, item.order_id == tables.Order.id)
        .where(tables.Order.user_id == user_id)
        .order_by(tables.Order.id, item.id)
    )
    async with Session() as session:
        rows = (await session.execute(query)).all()
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
