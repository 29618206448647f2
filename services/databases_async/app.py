"""The `databases` package: SQL with named parameters, a connection for each query. The pool is in database.py."""

from asyncpg import ForeignKeyViolationError, UniqueViolationError
from fastapi import FastAPI

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.databases_async import studies
from services.databases_async.database import connection, lifespan, settings

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = :id"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET :offset LIMIT :limit"
CREATE_USER = "INSERT INTO users (name, email) VALUES (:name, :email) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = :name, email = :email WHERE id = :id RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = :id RETURNING id"

app = FastAPI(title="databases", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn:
        row = await conn.fetch_one(READ_USER, {"id": user_id})
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row._mapping)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn:
        rows = await conn.fetch_all(LIST_USERS, {"offset": offset, "limit": limit})
    return [models.User(**row._mapping) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(CREATE_USER, {"name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User(**row._mapping)  # type: ignore[union-attr]  # RETURNING gave a row


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(UPDATE_USER, {"id": user_id, "name": fields.name, "email": fields.email})
    except UniqueViolationError:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row._mapping)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetch_one(DELETE_USER, {"id": user_id})
    except ForeignKeyViolationError:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    async with connection() as conn:
        rows = [
            await conn.fetch_one(READ_USER, {"id": user_id})
            for user_id in point_reads.ids(count, seed, settings.dataset_users)
        ]
    return [models.User(**row._mapping) for row in rows]  # type: ignore[union-attr]  # every id of the dataset exists


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
