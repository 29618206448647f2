"""SQLAlchemy Core on asyncpg: statements and rows, no objects; a connection and a transaction for each request.

The engine is in database.py, the tables are those of the mapped classes in services/tables.py.
"""

from fastapi import FastAPI
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.sqlalchemy_core_async import studies
from services.sqlalchemy_core_async.database import engine, lifespan, settings
from services.tables import users

# Built once, not for each request.
READ_USER = select(users).where(users.c.id == bindparam("user_id"))
LIST_USERS = select(users).order_by(users.c.id).offset(bindparam("offset")).limit(bindparam("limit"))
CREATE_USER = insert(users).returning(users)
UPDATE_USER = update(users).where(users.c.id == bindparam("user_id")).returning(users)
DELETE_USER = delete(users).where(users.c.id == bindparam("user_id"))

app = FastAPI(title="SQLAlchemy Core (async)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeoutError)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with engine.connect() as conn:
        row = (await conn.execute(READ_USER, {"user_id": user_id})).one_or_none()
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(row)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with engine.connect() as conn:
        rows = (await conn.execute(LIST_USERS, {"offset": offset, "limit": limit})).all()
    return [models.User.model_validate(row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        async with engine.begin() as conn:
            row = (await conn.execute(CREATE_USER, fields.model_dump())).one()
    except IntegrityError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User.model_validate(row)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with engine.begin() as conn:
            row = (await conn.execute(UPDATE_USER, {"user_id": user_id, **fields.model_dump()})).one_or_none()
    except IntegrityError:
        raise errors.email_taken() from None
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(row)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with engine.begin() as conn:
            deleted = (await conn.execute(DELETE_USER, {"user_id": user_id})).rowcount
    except IntegrityError:
        raise errors.user_has_orders(user_id) from None
    if not deleted:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    async with engine.connect() as conn:
        rows = [
            (await conn.execute(READ_USER, {"user_id": user_id})).one()
            for user_id in point_reads.ids(count, seed, settings.dataset_users)
        ]
    return [models.User.model_validate(row) for row in rows]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
