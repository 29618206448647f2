"""psycopg 3: `def` endpoints on FastAPI's threads, plain SQL, a transaction for each request. Pool: database.py."""

from fastapi import FastAPI
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.psycopg3_sync import studies
from services.psycopg3_sync.database import lifespan, pool, settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = %s"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"
CREATE_USER = "INSERT INTO users (name, email) VALUES (%s, %s) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = %s, email = %s WHERE id = %s RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = %s RETURNING id"

app = FastAPI(title="psycopg 3 (sync)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeout)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
def read_user(user_id: params.UserId) -> models.User:
    with pool.connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        user = cur.execute(READ_USER, (user_id,)).fetchone()
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.get("/users")
def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    with pool.connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
        return cur.execute(LIST_USERS, (offset, limit)).fetchall()


@app.post("/users", status_code=201, responses=errors.CONFLICT)
def create_user(fields: models.UserFields) -> models.User:
    try:
        with pool.connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            user = cur.execute(CREATE_USER, (fields.name, fields.email)).fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return user  # type: ignore[return-value]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        with pool.connection() as conn, conn.cursor(row_factory=class_row(models.User)) as cur:
            user = cur.execute(UPDATE_USER, (fields.name, fields.email, user_id)).fetchone()
    except UniqueViolation:
        raise errors.email_taken() from None
    if user is None:
        raise errors.user_not_found(user_id)
    return user


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
def delete_user(user_id: params.UserId) -> None:
    try:
        with pool.connection() as conn:
            row = conn.execute(DELETE_USER, (user_id,)).fetchone()
    except ForeignKeyViolation:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    ids, as_user = point_reads.ids(count, seed, settings.dataset_users), class_row(models.User)
    users: list[models.User] = []
    with pool.connection() as conn:
        if settings.lean:  # all reads in one round trip; in a pipeline, each result needs a cursor of its own
            with conn.pipeline():
                cursors = [conn.cursor(row_factory=as_user).execute(READ_USER, (user_id,)) for user_id in ids]
            return [user for cur in cursors for user in cur]
        with conn.cursor(row_factory=as_user) as cur:
            for user_id in ids:
                users += cur.execute(READ_USER, (user_id,))
    return users


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
