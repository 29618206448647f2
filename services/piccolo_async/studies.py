"""The routes of the studies with Piccolo: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from services.contract import errors, frames, models, operations, params, refusals
from services.external import AsyncExternalApi
from services.piccolo_async.database import DB, settings
from services.piccolo_async.tables import Note, Order, OrderItem, User

external_api = AsyncExternalApi(settings.external_api_url)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with external_api:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        return models.Note.model_validate(await find_note(note_id))
    async with DB.transaction():
        note = await find_note(note_id)
    return models.Note.model_validate(note)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # Piccolo takes a connection for each query, and begins no transaction by itself.
        note = await find_note(note_id)
        note.data = await external_api.note(note_id)
        await note.save([Note.data])
        return models.Note.model_validate(note)
    async with DB.transaction():
        note = await find_note(note_id)
    note.data = await external_api.note(note_id)
    async with DB.transaction():
        await note.save([Note.data])
    return models.Note.model_validate(note)


async def find_note(note_id: int) -> Note:
    note = await Note.objects().get(Note.id == note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    # Piccolo has no session. Only a transaction holds a connection for more than a query.
    async with DB.transaction():
        await User.objects().get(User.id == operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    await User.raw("SELECT pg_sleep({})", seconds)


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    product = OrderItem.product_id._
    rows = await (
        OrderItem.select(product.id.as_alias("id"), product.name.as_alias("name"), product.price.as_alias("price"))
        .where(OrderItem.order_id._.user_id == user_id)
        .distinct()
        .order_by(product.id)
    )
    return frames.products_ordered(rows)


async def read_orders(user_id: int) -> "frames.Table":
    item = Order.id.join_on(OrderItem.order_id)
    rows = await (
        Order.select(
            Order.id.as_alias("order_id"),
            Order.created_at,
            item.id.as_alias("item_id"),
            item.product_id.as_alias("product_id"),
            item.quantity.as_alias("quantity"),
            item.price.as_alias("price"),
        )
        .where(Order.user_id == user_id)
        .order_by(Order.id, item.id)
    )
    return frames.orders_with_items(rows)


# Piccolo has no session: each query takes a connection of its own.
# How it loads related rows is not part of the study.
router.include_router(refusals.of_relations(errors.not_by_this_library))
router.include_router(refusals.of_streams(errors.not_by_this_library))
