"""psycopg 3: `def` endpoints on FastAPI's threads, its own pool, plain SQL, one transaction a request."""

import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import polars as pl
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from psycopg import Connection
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool, PoolTimeout

from services.contract import errors, frames, models, operations, params, point_reads
from services.external import ExternalApi
from services.introspection import health_of
from services.metrics import USERS_CREATED, metrics_of_all_workers, watch
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"
CREATE_USER = "INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = %s, email = %s WHERE id = %s RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = %s RETURNING id"
READ_NOTE = "SELECT id, data FROM notes WHERE id = %s"
WRITE_NOTE = "UPDATE notes SET data = %s WHERE id = %s RETURNING id, data"
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

settings = Settings.from_environment()
pool = ConnectionPool(
    settings.database_url,
    min_size=settings.pool_size,
    max_size=settings.pool_limit,
    timeout=settings.pool_timeout_s,
    kwargs={"options": settings.options},
    open=False,
)
external_api = ExternalApi(settings.external_api_url)
executor = ThreadPoolExecutor(settings.pool_limit)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = settings.threads
    pool.open(wait=True)
    watch(pool_connections=lambda: pool.get_stats()["pool_size"], pool_idle=lambda: pool.get_stats()["pool_available"])
    yield
    executor.shutdown()
    external_api.close()
    pool.close()


app = FastAPI(title="psycopg 3 (sync)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeout)


@contextmanager
def connection(*, autocommit: bool = settings.lean) -> Iterator[Connection]:
    """A pooled connection in a transaction: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    with pool.connection() as conn:
        conn.autocommit = autocommit
        yield conn


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("psycopg3_sync", settings, request)


@app.get("/ping")
def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
def read_user(user_id: params.UserId) -> models.User:
    with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        user = cur.execute(READ_USER, (user_id,)).fetchone()
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.get("/users")
def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        return cur.execute(LIST_USERS, (offset, limit)).fetchall()


@app.post("/users", status_code=201, responses=errors.CONFLICT)
def create_user(fields: models.UserFields) -> models.User:
    try:
        with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            user = cur.execute(CREATE_USER, (fields.name, fields.email)).fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return user  # type: ignore[return-value]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            user = cur.execute(UPDATE_USER, (fields.name, fields.email, user_id)).fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
def delete_user(user_id: params.UserId) -> None:
    try:
        with connection() as conn:
            row = conn.execute(DELETE_USER, (user_id,)).fetchone()
    except ForeignKeyViolation:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    users: list[models.User] = []
    with connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        for user_id in point_reads.ids(count, seed, settings.dataset_users):
            users += cur.execute(READ_USER, (user_id,))
    return users


@app.get("/notes/{note_id}", responses=errors.NOT_FOUND)
def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:  # noqa: ARG001  # either way in one
    with connection(autocommit=False) as conn:
        return find_note(conn, note_id)


@app.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction: it stays open, and has its connection, during the call.
        with connection(autocommit=False) as conn:
            find_note(conn, note_id)
            return write_note(conn, note_id, external_api.note(note_id))
    with connection(autocommit=False) as conn:
        find_note(conn, note_id)
    data = external_api.note(note_id)
    with connection(autocommit=False) as conn:
        return write_note(conn, note_id, data)


def find_note(conn: Connection, note_id: int) -> models.Note:
    with conn.cursor(row_factory=class_row(models.Note)) as cur:
        note = cur.execute(READ_NOTE, (note_id,)).fetchone()
    if note is None:
        raise errors.note_not_found(note_id)
    return note


def write_note(conn: Connection, note_id: int, data: str) -> models.Note:
    with conn.cursor(row_factory=class_row(models.Note)) as cur:
        note = cur.execute(WRITE_NOTE, (data, note_id)).fetchone()
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@app.get("/session-sleep", status_code=204)
def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with connection(autocommit=False) as conn:
        conn.execute(READ_USER, (operations.SLEEPERS_USER,))
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@app.get("/simulation")
def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads on another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> pl.DataFrame:
    with connection() as conn:
        rows = conn.execute(READ_PRODUCTS, (user_id,)).fetchall()
    return pl.DataFrame(rows, frames.PRODUCTS_ORDERED, orient="row")


def read_orders(user_id: int) -> pl.DataFrame:
    with connection() as conn:
        rows = conn.execute(READ_ORDERS, (user_id,)).fetchall()
    return pl.DataFrame(rows, frames.ORDERS_WITH_ITEMS, orient="row")
