"""A warning example, not to be copied: psycopg2 in `async def` endpoints, where each query blocks the event loop.

It is services/psycopg2_sync with this one mistake. While a query runs, the process reads no request, answers none, and
uses one connection of its pool. With a synchronous driver, write `def`: FastAPI then calls the endpoint on a thread.
"""

from fastapi import FastAPI
from psycopg2.errors import ForeignKeyViolation, UniqueViolation
from psycopg2.extras import RealDictRow

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.psycopg2_blocking import studies
from services.psycopg2_blocking.database import cursor, lifespan, settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"
CREATE_USER = "INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = %s, email = %s WHERE id = %s RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = %s RETURNING id"

app = FastAPI(title="psycopg2 in async def (a warning example)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    with cursor() as cur:
        cur.execute(READ_USER, (user_id,))
        row = cur.fetchone()
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    with cursor() as cur:
        cur.execute(LIST_USERS, (offset, limit))
        rows = cur.fetchall()
    return [models.User(**row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        with cursor() as cur:
            cur.execute(CREATE_USER, (fields.name, fields.email))
            row = cur.fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User(**row)  # type: ignore[arg-type]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
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
async def delete_user(user_id: params.UserId) -> None:
    try:
        with cursor() as cur:
            cur.execute(DELETE_USER, (user_id,))
            row = cur.fetchone()
    except ForeignKeyViolation:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    rows: list[RealDictRow] = []
    with cursor() as cur:
        for user_id in point_reads.ids(count, seed, settings.dataset_users):
            cur.execute(READ_USER, (user_id,))
            rows += cur.fetchall()
    return [models.User(**row) for row in rows]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
