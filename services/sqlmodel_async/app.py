"""SQLModel on asyncpg: asynchronous, a session for each request, a transaction for each session.

The engine is in database.py, the models of the tables are in services/sqlmodel_tables.py.
"""

from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import bindparam, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services import introspection, metrics
from services import sqlmodel_tables as tables
from services.contract import errors, models, params, point_reads
from services.sqlmodel_async import studies
from services.sqlmodel_async.database import engine, lifespan, settings

# Built once, not for each read.
READ_USER = select(tables.User).where(col(tables.User.id) == bindparam("id"))

app = FastAPI(title="SQLModel (async)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeoutError)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with AsyncSession(engine) as session:
        user = await session.get(tables.User, user_id)
    if user is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(user)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with AsyncSession(engine) as session:
        query = select(tables.User).order_by(col(tables.User.id)).offset(offset).limit(limit)
        users = (await session.exec(query)).all()
    return [models.User.model_validate(user) for user in users]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    user = tables.User.model_validate(fields)
    try:
        # SQLModel's tutorial reads a row again after the commit, with refresh(). Here the session keeps what it has.
        async with AsyncSession(engine, expire_on_commit=False) as session:
            session.add(user)
            await session.commit()
    except IntegrityError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User.model_validate(user)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            user = await session.get(tables.User, user_id)
            if user is None:
                raise errors.user_not_found(user_id)
            user.sqlmodel_update(fields)
            session.add(user)
            await session.commit()
    except IntegrityError:
        raise errors.email_taken() from None
    return models.User.model_validate(user)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with AsyncSession(engine) as session:
            user = await session.get(tables.User, user_id)
            if user is None:
                raise errors.user_not_found(user_id)
            await session.delete(user)
            await session.commit()
    except IntegrityError:
        raise errors.user_has_orders(user_id) from None


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    ids = point_reads.ids(count, seed, settings.dataset_users)
    async with AsyncSession(engine) as session:
        # One SELECT for each read: session.get() would answer a repeated id from the session's identity map.
        users = [(await session.exec(READ_USER, params={"id": user_id})).one() for user_id in ids]
    return [models.User.model_validate(user) for user in users]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
