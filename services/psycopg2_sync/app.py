"""psycopg2: `def` endpoints on FastAPI's threads, a thread-safe pool, plain SQL, one transaction a request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from threading import BoundedSemaphore

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request, Response
from prometheus_client import Gauge
from psycopg2.errors import ForeignKeyViolation, UniqueViolation
from psycopg2.extras import RealDictCursor, RealDictRow
from psycopg2.pool import ThreadedConnectionPool

from services.contract import (
    CONFLICT,
    NOT_FOUND,
    UNAVAILABLE,
    USERS_CREATED,
    Health,
    Limit,
    Offset,
    Pong,
    ReadCount,
    Seed,
    User,
    UserFields,
    UserId,
    add_error_handlers,
    email_taken,
    point_read_ids,
    user_has_orders,
    user_not_found,
)
from services.introspection import health_of, metrics_of_this_process
from services.settings import Settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"
CREATE_USER = "INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = %s, email = %s WHERE id = %s RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = %s RETURNING id"

settings = Settings.from_environment()
# psycopg2's pool raises at once when it is empty: this semaphore makes requests wait for a connection instead.
free_connections = BoundedSemaphore(settings.pool_limit)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = settings.threads
    # The pool closes connections beyond its minimum on return, so that minimum and maximum are the same.
    pool = app.state.pool = ThreadedConnectionPool(
        settings.pool_limit,
        settings.pool_limit,
        settings.database_url,
        cursor_factory=RealDictCursor,
        options="-c timezone=UTC",
    )
    Gauge("pool_connections", "Connections that the pool holds.").set(settings.pool_limit)
    Gauge("pool_connections_idle", "Connections waiting in the pool.").set_function(
        lambda: len(pool._pool)  # type: ignore[attr-defined]  # noqa: SLF001  # it tells no other way
    )
    yield
    pool.closeall()


app = FastAPI(title="psycopg2", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app)


@contextmanager
def cursor() -> Iterator[RealDictCursor]:
    """A cursor in a transaction of its own: committed at the end of the block, rolled back if it raised.

    Lean: each statement is a transaction, without BEGIN and COMMIT.
    """
    if not free_connections.acquire(timeout=settings.pool_timeout_s):
        raise TimeoutError
    try:
        conn = app.state.pool.getconn()
        try:
            conn.autocommit = settings.lean
            with nullcontext() if settings.lean else conn, conn.cursor() as cur:
                yield cur
        finally:
            app.state.pool.putconn(conn)
    finally:
        free_connections.release()


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("psycopg2_sync", settings, request)


@app.get("/ping")
def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_this_process()


@app.get("/users/{user_id}", responses=NOT_FOUND)
def read_user(user_id: UserId) -> User:
    with cursor() as cur:
        cur.execute(READ_USER, (user_id,))
        row = cur.fetchone()
    if row is None:
        raise user_not_found(user_id)
    return User(**row)


@app.get("/users")
def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    with cursor() as cur:
        cur.execute(LIST_USERS, (offset, limit))
        rows = cur.fetchall()
    return [User(**row) for row in rows]


@app.post("/users", status_code=201, responses=CONFLICT)
def create_user(fields: UserFields) -> User:
    try:
        with cursor() as cur:
            cur.execute(CREATE_USER, (fields.name, fields.email))
            row = cur.fetchone()
    except UniqueViolation:
        raise email_taken() from None
    USERS_CREATED.inc()
    return User(**row)  # type: ignore[arg-type]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
def update_user(user_id: UserId, fields: UserFields) -> User:
    try:
        with cursor() as cur:
            cur.execute(UPDATE_USER, (fields.name, fields.email, user_id))
            row = cur.fetchone()
    except UniqueViolation:
        raise email_taken() from None
    if row is None:
        raise user_not_found(user_id)
    return User(**row)


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
def delete_user(user_id: UserId) -> None:
    try:
        with cursor() as cur:
            cur.execute(DELETE_USER, (user_id,))
            row = cur.fetchone()
    except ForeignKeyViolation:
        raise user_has_orders(user_id) from None
    if row is None:
        raise user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: ReadCount, seed: Seed) -> list[User]:
    rows: list[RealDictRow] = []
    with cursor() as cur:
        for user_id in point_read_ids(count, seed, settings.dataset_users):
            cur.execute(READ_USER, (user_id,))
            rows += cur.fetchall()
    return [User(**row) for row in rows]
