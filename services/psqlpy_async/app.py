"""psqlpy: plain SQL, one connection for each request. Its pool is in database.py."""

from fastapi import FastAPI
from psqlpy.exceptions import ConnectionExecuteError

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.psqlpy_async import studies
from services.psqlpy_async.database import connection, lifespan, prepared, settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = $1"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET $1 LIMIT $2"
CREATE_USER = "INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = $1 RETURNING id"
# psqlpy gives no SQLSTATE: what a statement violates is only in the message, which has the constraint's name.
EMAIL_TAKEN = "users_email_key"
HAS_ORDERS = "orders_user_id_fkey"

app = FastAPI(title="psqlpy", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn:
        found = await conn.execute(READ_USER, [user_id], prepared)
    users = found.as_class(models.User)
    if not users:
        raise errors.user_not_found(user_id)
    return users[0]


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn:
        found = await conn.execute(LIST_USERS, [offset, limit], prepared)
    return found.as_class(models.User)


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            created = await conn.execute(CREATE_USER, [fields.name, fields.email], prepared)
    except ConnectionExecuteError as error:
        if EMAIL_TAKEN in str(error):
            raise errors.email_taken() from None
        raise
    metrics.USERS_CREATED.inc()
    return created.as_class(models.User)[0]


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            updated = await conn.execute(UPDATE_USER, [user_id, fields.name, fields.email], prepared)
    except ConnectionExecuteError as error:
        if EMAIL_TAKEN in str(error):
            raise errors.email_taken() from None
        raise
    users = updated.as_class(models.User)
    if not users:
        raise errors.user_not_found(user_id)
    return users[0]


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            deleted = await conn.execute(DELETE_USER, [user_id], prepared)
    except ConnectionExecuteError as error:
        if HAS_ORDERS in str(error):
            raise errors.user_has_orders(user_id) from None
        raise
    if not deleted.result():
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    users: list[models.User] = []
    async with connection() as conn:
        for user_id in point_reads.ids(count, seed, settings.dataset_users):
            found = await conn.execute(READ_USER, [user_id], prepared)
            users += found.as_class(models.User)
    return users


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
