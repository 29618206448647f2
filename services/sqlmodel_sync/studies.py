"""The routes of the studies with SQLModel: notes, a sleeping session, a slow query, the simulation."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlmodel import Session, col, func, select, update

from services import sqlmodel_tables as tables
from services.contract import errors, frames, models, operations, params
from services.external import ExternalApi
from services.sqlmodel_sync import relations, streams
from services.sqlmodel_sync.database import engine, settings

# These routes compare transactions: a session begins one with its first statement, even in the profile lean.
transactional = engine.execution_options(isolation_level="READ COMMITTED") if settings.lean else engine
external_api = ExternalApi(settings.external_api_url)
executor = ThreadPoolExecutor(settings.pool_limit)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with external_api, executor:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        with Session(transactional) as session:
            return models.Note.model_validate(find_note(session, note_id))
    with Session(transactional) as session, session.begin():
        return models.Note.model_validate(find_note(session, note_id))


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        with Session(transactional, expire_on_commit=False) as session:
            note = find_note(session, note_id)
            note.data = external_api.note(note_id)
            session.add(note)
            session.commit()
        return models.Note.model_validate(note)
    with Session(transactional, expire_on_commit=False) as session, session.begin():
        note = find_note(session, note_id)
    note.data = external_api.note(note_id)
    with Session(transactional) as session, session.begin():
        session.exec(update(tables.Note).where(col(tables.Note.id) == note_id).values(data=note.data))
    return models.Note.model_validate(note)


def find_note(session: Session, note_id: int) -> tables.Note:
    note = session.get(tables.Note, note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with Session(transactional) as session:
        session.get_one(tables.User, operations.SLEEPERS_USER)
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@router.get("/slow-query", status_code=204)
def slow_query(seconds: params.Seconds = 0.5) -> None:
    with Session(engine) as session:
        session.exec(select(func.pg_sleep(seconds)))


@router.get("/simulation")
def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads over another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> "frames.Table":
    query = (
        select(col(tables.Product.id), col(tables.Product.name), col(tables.Product.price))
        .join(tables.OrderItem, col(tables.OrderItem.product_id) == tables.Product.id)
        .join(tables.Order, col(tables.Order.id) == tables.OrderItem.order_id)
        .where(tables.Order.user_id == user_id)
        .distinct()
        .order_by(col(tables.Product.id))
    )
    with Session(engine) as session:
        rows = session.exec(query).all()
    return frames.products_ordered([tuple(row) for row in rows])


def read_orders(user_id: int) -> "frames.Table":
    item = tables.OrderItem
    query = (
        select(  # type: ignore[call-overload]  # it has types for up to four columns
            tables.Order.id, tables.Order.created_at, item.id, item.product_id, item.quantity, item.price
        )
        .outerjoin(item, col(item.order_id) == tables.Order.id)
        .where(tables.Order.user_id == user_id)
        .order_by(col(tables.Order.id), col(item.id))
    )
    with Session(engine) as session:
        rows = session.exec(query).all()
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
