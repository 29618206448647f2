"""The routes of the studies with Tortoise ORM: notes, a sleeping session, a slow query, the simulation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from services.contract import errors, frames, models, operations, params, refusals
from services.external import AsyncExternalApi
from services.tortoise_async.database import settings
from services.tortoise_async.tables import Note, Order, Product, User

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
    async with in_transaction():
        return models.Note.model_validate(await find_note(note_id))


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # Tortoise takes a connection for each query, and begins no transaction by itself.
        note = await find_note(note_id)
        note.data = await external_api.note(note_id)
        await note.save(update_fields=["data"])
        return models.Note.model_validate(note)
    async with in_transaction():
        note = await find_note(note_id)
    note.data = await external_api.note(note_id)
    async with in_transaction():
        await note.save(update_fields=["data"])
    return models.Note.model_validate(note)


async def find_note(note_id: int) -> Note:
    note = await Note.get_or_none(id=note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    # Tortoise has no session. Only a transaction holds a connection for more than a query.
    async with in_transaction():
        await User.get(id=operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    await get_connection("default").execute_query("SELECT pg_sleep($1)", [seconds])


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> "frames.Table":
    query = Product.filter(items__order__user_id=user_id).distinct().order_by("id")
    return frames.products_ordered(await query.values_list("id", "name", "price"))


async def read_orders(user_id: int) -> "frames.Table":
    query = Order.filter(user_id=user_id).order_by("id", "items__id")
    rows = await query.values_list(
        "id", "created_at", "items__id", "items__product_id", "items__quantity", "items__price"
    )
    return frames.orders_with_items(rows)


# Tortoise has no session: each query takes a connection of its own.
# How it loads related rows is not part of the study.
router.include_router(refusals.of_relations(errors.not_by_this_library))
router.include_router(refusals.of_streams(errors.not_by_this_library))
