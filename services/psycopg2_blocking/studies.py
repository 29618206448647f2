"""The routes of the studies with the mistake of app.py: the driver, the sleep and the external API all block.

Nothing but a stream awaits while it holds a connection. So one request is handled at a time, and waits for none.
"""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from psycopg2.extras import RealDictCursor

from services.contract import errors, frames, models, operations, params
from services.external import ExternalApi
from services.psycopg2_blocking import relations, streams
from services.psycopg2_blocking.database import cursor, settings

READ_NOTE = "SELECT id, data FROM notes WHERE id = %s"
WRITE_NOTE = "UPDATE notes SET data = %s WHERE id = %s RETURNING id, data"
READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
READ_PRODUCTS = """
    SELECT DISTINCT products.id, products.name, products.price
    FROM orders
    JOIN order_items ON order_items.order_id = orders.id
    JOIN products ON products.id = order_items.product_id
    WHERE orders.user_id = %s
    ORDER BY products.id
"""
READ_ORDERS = """
    SELECT orders.id AS order_id, orders.created_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = %s
    ORDER BY orders.id, order_items.id
"""

external_api = ExternalApi(settings.external_api_url)
executor = ThreadPoolExecutor(settings.pool_limit)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with external_api, executor:
        yield


router = APIRouter(lifespan=lifespan)


@router.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:  # noqa: ARG001  # always in a transaction
    with cursor(autocommit=False) as cur:
        return find_note(cur, note_id)


@router.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction. It stays open during the call, and holds its connection.
        with cursor(autocommit=False) as cur:
            find_note(cur, note_id)
            return write_note(cur, note_id, external_api.note(note_id))
    with cursor(autocommit=False) as cur:
        find_note(cur, note_id)
    data = external_api.note(note_id)
    with cursor(autocommit=False) as cur:
        return write_note(cur, note_id, data)


def find_note(cur: RealDictCursor, note_id: int) -> models.Note:
    cur.execute(READ_NOTE, (note_id,))
    row = cur.fetchone()
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row)


def write_note(cur: RealDictCursor, note_id: int, data: str) -> models.Note:
    cur.execute(WRITE_NOTE, (data, note_id))
    row = cur.fetchone()
    if row is None:
        raise errors.note_not_found(note_id)
    return models.Note(**row)


@router.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with cursor(autocommit=False) as cur:
        cur.execute(READ_USER, (operations.SLEEPERS_USER,))
        cur.fetchone()
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@router.get("/slow-query", status_code=204)
async def slow_query(seconds: params.Seconds = 0.5) -> None:
    with cursor() as cur:
        cur.execute("SELECT pg_sleep(%s)", (seconds,))


@router.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads over another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> "frames.Table":
    with cursor() as cur:
        cur.execute(READ_PRODUCTS, (user_id,))
        rows = cur.fetchall()
    return frames.products_ordered(rows)


def read_orders(user_id: int) -> "frames.Table":
    with cursor() as cur:
        cur.execute(READ_ORDERS, (user_id,))
        rows = cur.fetchall()
    return frames.orders_with_items(rows)


router.include_router(relations.router)
router.include_router(streams.router)
