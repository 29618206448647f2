"""The routes of the studies with SQLAlchemy's ORM: notes, a sleeping session, a slow query, the simulation."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlalchemy import func, orm, select, update

from services import tables
from services.contract import errors, frames, models, operations, params
from services.external import ExternalApi
from services.sqlalchemy_sync import relations, streams
from services.sqlalchemy_sync.database import Session, engine, settings

# These routes compare transactions: a session begins one with its first statement, even in the profile lean.
transactional = engine.execution_options(isolation_level="READ COMMITTED") if settings.lean else engine
TransactionalSession = orm.sessionmaker(transactional, expire_on_commit=False)
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
        with TransactionalSession() as session:
            return models.Note.model_validate(find_note(session, note_id))
    with TransactionalSession.begin() as session:
        return models.Note.model_validate(find_note(session, note_id))


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        with TransactionalSession() as session:
            note = find_note(session, note_id)
            note.data = external_api.note(note_id)
            session.commit()
        return models.Note.model_validate(note)
    with TransactionalSession.begin() as session:
        note = find_note(session, note_id)
    note.data = external_api.note(note_id)
    with TransactionalSession.begin() as session:
        session.execute(update(tables.Note).where(tables.Note.id == note_id).values(data=note.data))
    return models.Note.model_validate(note)


def find_note(session: orm.Session, note_id: int) -> tables.Note:
    note = session.get(tables.Note, note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with TransactionalSession() as session:
        session.get_one(tables.User, operations.SLEEPERS_USER)
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@router.get("/slow-query", status_code=204)
def slow_query(seconds: params.Seconds = 0.5) -> None:
    with Session() as session:
        session.execute(select(func.pg_sleep(seconds)))


@router.get("/simulation")
def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads over another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> "frames.Table":
    query = (
        select(tables.Product.id, tables.Product.name, tables.Product.price)
        .join(tables.OrderItem, tables.OrderItem.product_id == tables.Product.id)
        .join(tables.Order, tables.Order.id == tables.OrderItem.order_id)
        .where(tables.Order.user_id == user_id)
        .distinct()
        .order_by(tables.Product.id)
    )
    with Session() as session:
        rows = session.execute(query).all()
    return frames.products_ordered([tuple(row) for row in rows])


def read_orders(user_id: int) -> "frames.Table":
    item = tables.OrderItem
    query = (
        select(tables.Order.id, tables.Order.created_at, item.id, item.product_id, item.quantity, item.price)
        .outerjoin(item, item.order_id == tables.Order.id)
        .where(tables.Order.user_id == user_id)
        .order_by(tables.Order.id, item.id)
    )
    with Session() as session:
        rows = session.execute(query).all()
    return frames.orders_with_items([tuple(row) for row in rows])


router.include_router(relations.router)
router.include_router(streams.router)
