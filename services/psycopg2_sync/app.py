"""psycopg2: `def` endpoints on FastAPI's threads, a thread-safe pool, plain SQL, one transaction a request."""

import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from threading import BoundedSemaphore

import polars as pl
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from psycopg2.errors import ForeignKeyViolation, UniqueViolation
from psycopg2.extras import RealDictCursor, RealDictRow
from psycopg2.pool import ThreadedConnectionPool

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
# psycopg2's pool raises at once when it is empty: this semaphore makes requests wait for a connection instead.
free_connections = BoundedSemaphore(settings.pool_limit)
external_api = ExternalApi(settings.external_api_url)
executor = ThreadPoolExecutor(settings.pool_limit)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = settings.threads
    # The pool closes connections beyond its minimum on return, so that minimum and maximum are the same.
    pool = app.state.pool = ThreadedConnectionPool(
        settings.pool_limit,
        settings.pool_limit,
        settings.database_url,
        cursor_factory=RealDictCursor,
        options=settings.options,
    )
    watch(
        pool_connections=lambda: settings.pool_limit,
        pool_idle=lambda: len(pool._pool),  # type: ignore[attr-defined]  # noqa: SLF001  # it tells no other way
    )
    yield
    executor.shutdown()
    external_api.close()
    pool.closeall()


app = FastAPI(title="psycopg2", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@contextmanager
def cursor(*, autocommit: bool = settings.lean) -> Iterator[RealDictCursor]:
    """A cursor in a transaction of its own: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    if not free_connections.acquire(timeout=settings.pool_timeout_s):
        raise TimeoutError
    try:
        conn = app.state.pool.getconn()
        try:
            conn.autocommit = autocommit
            with nullcontext() if autocommit else conn, conn.cursor() as cur:
                yield cur
        finally:
            app.state.pool.putconn(conn)
    finally:
        free_connections.release()


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("psycopg2_sync", settings, request)


@app.get("/ping")
def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
def read_user(user_id: params.UserId) -> models.User:
    with cursor() as cur:
        cur.execute(READ_USER, (user_id,))
        row = cur.fetchone()
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    with cursor() as cur:
        cur.execute(LIST_USERS, (offset, limit))
        rows = cur.fetchall()
    return [models.User(**row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
def create_user(fields: models.UserFields) -> models.User:
    try:
        with cursor() as cur:
            cur.execute(CREATE_USER, (fields.name, fields.email))
            row = cur.fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return models.User(**row)  # type: ignore[arg-type]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        with cursor() as cur:
            cur.execute(UPDATE_USER, (fields.name, fields.email, user_id))
            row = cur.fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
def delete_user(user_id: params.UserId) -> None:
    try:
        with cursor() as cur:
            cur.execute(DELETE_USER, (user_id,))
            row = cur.fetchone()
    except ForeignKeyViolation:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    rows: list[RealDictRow] = []
    with cursor() as cur:
        for user_id in point_reads.ids(count, seed, settings.dataset_users):
            cur.execute(READ_USER, (user_id,))
            rows += cur.fetchall()
    return [models.User(**row) for row in rows]


@app.get("/notes/{note_id}", responses=errors.NOT_FOUND)
def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:  # noqa: ARG001  # either way in one
    with cursor(autocommit=False) as cur:
        return find_note(cur, note_id)


@app.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction: it stays open, and has its connection, during the call.
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


@app.get("/session-sleep", status_code=204)
def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    with cursor(autocommit=False) as cur:
        cur.execute(READ_USER, (operations.SLEEPERS_USER,))
        cur.fetchone()
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@app.get("/simulation")
def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads on another connection
    return models.Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> pl.DataFrame:
    with cursor() as cur:
        cur.execute(READ_PRODUCTS, (user_id,))
        rows = cur.fetchall()
    return pl.DataFrame(rows, frames.PRODUCTS_ORDERED)


def read_orders(user_id: int) -> pl.DataFrame:
    with cursor() as cur:
        cur.execute(READ_ORDERS, (user_id,))
        rows = cur.fetchall()
    return pl.DataFrame(rows, frames.ORDERS_WITH_ITEMS)
