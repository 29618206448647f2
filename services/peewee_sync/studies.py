"""The routes of the studies with peewee: notes, a sleeping session, a slow query, the simulation."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from peewee import JOIN

from services.contract import errors, frames, models, operations, params, refusals
from services.external import ExternalApi
from services.peewee_sync.database import database, settings
from services.peewee_sync.tables import Note, Order, OrderItem, Product, User

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
        with database.connection_context():
            return find_note(note_id)
    with database:  # a connection with a transaction
        return find_note(note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # One connection for each request. It is held during the call, but peewee begins no transaction by itself.
        with database.connection_context():
            find_note(note_id)
            return write_note(note_id, external_api.note(note_id))
    with database:
        find_note(note_id)
    data = external_api.note(note_id)
    with database:
        return write_note(note_id, data)


def find_note(note_id: int) -> models.Note:
    note = Note.get_or_none(Note.id == note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return models.Note.model_validate(note)


def write_note(note_id: int, data: str) -> models.Note:
    notes = list(Note.update(data=data).where(Note.id == note_id).returning(Note).execute())
    if not notes:
        raise errors.note_not_found(note_id)
    return models.Note.model_validate(notes[0])


@router.get("/session-sleep", status_code=204)
def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with database.connection_context():
        User.get_by_id(operations.SLEEPERS_USER)
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@router.get("/slow-query", status_code=204)
def slow_query(seconds: params.Seconds = 0.5) -> None:
    with database.connection_context():
        database.execute_sql("SELECT pg_sleep(%s)", (seconds,))


@router.get("/simulation")
def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads over another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> "frames.Table":
    query = (
        Product.select(Product.id, Product.name, Product.price)
        .join(OrderItem)
        .join(Order)
        .where(Order.user == user_id)
        .distinct()
        .order_by(Product.id)
    )
    with database.connection_context():
        rows = list[Any](query.tuples())  # typed as models
    return frames.products_ordered(rows)


def read_orders(user_id: int) -> "frames.Table":
    item = OrderItem
    query = (
        Order.select(Order.id, Order.created_at, item.id, item.product, item.quantity, item.price)
        .join(item, JOIN.LEFT_OUTER)
        .where(Order.user == user_id)
        .order_by(Order.id, item.id)
    )
    with database.connection_context():
        rows = list[Any](query.tuples())  # typed as models
    return frames.orders_with_items(rows)


# peewee has no session: each thread has a connection, which a dependency cannot hand to an endpoint.
# How it loads related rows is not part of the study.
router.include_router(refusals.of_relations(errors.not_by_this_library))
router.include_router(refusals.of_streams(errors.not_by_this_library))
