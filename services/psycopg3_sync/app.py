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

from services.contract import (
    BAD_GATEWAY,
    CONFLICT,
    NOT_FOUND,
    ORDERS_WITH_ITEMS,
    PRODUCTS_ORDERED,
    SLEEPERS_USER,
    UNAVAILABLE,
    Health,
    Limit,
    Note,
    NoteId,
    Offset,
    OrderingUserId,
    Pong,
    ReadCount,
    Seconds,
    Seed,
    Simulation,
    Sleep,
    Transaction,
    User,
    UserFields,
    UserId,
    add_error_handlers,
    email_taken,
    note_not_found,
    point_read_ids,
    user_has_orders,
    user_not_found,
)
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


app = FastAPI(title="psycopg 3 (sync)", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app, pool_timeout=PoolTimeout)


@contextmanager
def connection(*, autocommit: bool = settings.lean) -> Iterator[Connection]:
    """A pooled connection in a transaction: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    with pool.connection() as conn:
        conn.autocommit = autocommit
        yield conn


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("psycopg3_sync", settings, request)


@app.get("/ping")
def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=NOT_FOUND)
def read_user(user_id: UserId) -> User:
    with connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
        user = cur.execute(READ_USER, (user_id,)).fetchone()
    if user is None:
        raise user_not_found(user_id)
    return user


@app.get("/users")
def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    with connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
        return cur.execute(LIST_USERS, (offset, limit)).fetchall()


@app.post("/users", status_code=201, responses=CONFLICT)
def create_user(fields: UserFields) -> User:
    try:
        with connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
            user = cur.execute(CREATE_USER, (fields.name, fields.email)).fetchone()
    except UniqueViolation:
        raise email_taken() from None
    USERS_CREATED.inc()
    return user  # type: ignore[return-value]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
def update_user(user_id: UserId, fields: UserFields) -> User:
    try:
        with connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
            user = cur.execute(UPDATE_USER, (fields.name, fields.email, user_id)).fetchone()
    except UniqueViolation:
        raise email_taken() from None
    if user is None:
        raise user_not_found(user_id)
    return user


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
def delete_user(user_id: UserId) -> None:
    try:
        with connection() as conn:
            row = conn.execute(DELETE_USER, (user_id,)).fetchone()
    except ForeignKeyViolation:
        raise user_has_orders(user_id) from None
    if row is None:
        raise user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: ReadCount, seed: Seed) -> list[User]:
    users: list[User] = []
    with connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
        for user_id in point_read_ids(count, seed, settings.dataset_users):
            users += cur.execute(READ_USER, (user_id,))
    return users


@app.get("/notes/{note_id}", responses=NOT_FOUND)
def read_note(note_id: NoteId, transaction: Transaction = "implicit") -> Note:  # noqa: ARG001  # either way in one
    with connection(autocommit=False) as conn:
        return find_note(conn, note_id)


@app.post("/notes/{note_id}/synchronize", responses=NOT_FOUND | BAD_GATEWAY)
def synchronize_note(note_id: NoteId, transaction: Transaction = "implicit") -> Note:
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


def find_note(conn: Connection, note_id: int) -> Note:
    with conn.cursor(row_factory=class_row(Note)) as cur:
        note = cur.execute(READ_NOTE, (note_id,)).fetchone()
    if note is None:
        raise note_not_found(note_id)
    return note


def write_note(conn: Connection, note_id: int, data: str) -> Note:
    with conn.cursor(row_factory=class_row(Note)) as cur:
        note = cur.execute(WRITE_NOTE, (data, note_id)).fetchone()
    if note is None:
        raise note_not_found(note_id)
    return note


@app.get("/session-sleep", status_code=204)
def session_sleep(sleep: Sleep, seconds: Seconds = 2.0) -> None:
    with connection(autocommit=False) as conn:
        conn.execute(READ_USER, (SLEEPERS_USER,))
        if sleep == "inside":
            time.sleep(seconds)
    if sleep == "outside":
        time.sleep(seconds)


@app.get("/simulation")
def simulation(user_id: OrderingUserId) -> Simulation:
    products = executor.submit(read_products, user_id)  # meanwhile, this thread reads on another connection
    return Simulation.of(orders=read_orders(user_id), products=products.result())


def read_products(user_id: int) -> pl.DataFrame:
    with connection() as conn:
        rows = conn.execute(READ_PRODUCTS, (user_id,)).fetchall()
    return pl.DataFrame(rows, PRODUCTS_ORDERED, orient="row")


def read_orders(user_id: int) -> pl.DataFrame:
    with connection() as conn:
        rows = conn.execute(READ_ORDERS, (user_id,)).fetchall()
    return pl.DataFrame(rows, ORDERS_WITH_ITEMS, orient="row")
