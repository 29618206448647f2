"""asyncpg: plain SQL, one connection for each request. Its pool is in database.py."""

import asyncpg
from fastapi import FastAPI

from services import introspection, metrics
from services.asyncpg_async import studies
from services.asyncpg_async.database import connection, lifespan, settings
from services.contract import errors, models, params, point_reads

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = $1"
LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET $1 LIMIT $2"
CREATE_USER = "INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email, created_at"
UPDATE_USER = "UPDATE users SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email, created_at"
DELETE_USER = "DELETE FROM users WHERE id = $1 RETURNING id"

app = FastAPI(title="asyncpg", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with connection() as conn:
        row = await conn.fetchrow(READ_USER, user_id)
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with connection() as conn:
        rows = await conn.fetch(LIST_USERS, offset, limit)
    return [models.User(**row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(CREATE_USER, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User(**row)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(UPDATE_USER, user_id, fields.name, fields.email)
    except asyncpg.UniqueViolationError:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with connection() as conn:
            row = await conn.fetchrow(DELETE_USER, user_id)
    except asyncpg.ForeignKeyViolationError:
        raise errors.user_has_orders(user_id) from None
    if row is None:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    async with connection() as conn:
        rows = [
            await conn.fetchrow(READ_USER, user_id) for user_id in point_reads.ids(count, seed, settings.dataset_users)
        ]
    return [models.User(**row) for row in rows]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
