"""SQLAlchemy's ORM, asynchronous, on asyncpg: mapped classes, a session a request, one transaction a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

from fastapi import FastAPI, Request, Response
from prometheus_client import Gauge
from sqlalchemy import AsyncAdaptedQueuePool, BigInteger, DateTime, func, make_url, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

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

settings = Settings.from_environment()
engine = create_async_engine(
    make_url(settings.database_url).set(drivername="postgresql+asyncpg"),
    pool_size=settings.pool_size,
    max_overflow=settings.pool_overflow,
    pool_timeout=settings.pool_timeout_s,
    # Lean: each statement is a transaction, without BEGIN and COMMIT.
    **({"isolation_level": "AUTOCOMMIT"} if settings.lean else {}),
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    # The engine connects on first use: open the whole pool now, as the other services do.
    connections = await asyncio.gather(*(engine.connect() for _ in range(settings.pool_size)))
    for conn in connections:
        await conn.close()
    pool = cast("AsyncAdaptedQueuePool", engine.pool)
    Gauge("pool_connections", "Connections that the pool holds.").set_function(
        lambda: pool.checkedin() + pool.checkedout()
    )
    Gauge("pool_connections_idle", "Connections waiting in the pool.").set_function(pool.checkedin)
    yield
    await engine.dispose()


app = FastAPI(title="SQLAlchemy ORM (async)", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app, pool_timeout=PoolTimeoutError)


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("sqlalchemy_async", settings, request)


@app.get("/ping")
async def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_this_process()


@app.get("/users/{user_id}", responses=NOT_FOUND)
async def read_user(user_id: UserId) -> User:
    async with Session() as session:
        user = await session.get(UserRow, user_id)
    if user is None:
        raise user_not_found(user_id)
    return User.model_validate(user)


@app.get("/users")
async def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    async with Session() as session:
        users = await session.scalars(select(UserRow).order_by(UserRow.id).offset(offset).limit(limit))
    return [User.model_validate(user) for user in users]


@app.post("/users", status_code=201, responses=CONFLICT)
async def create_user(fields: UserFields) -> User:
    user = UserRow(name=fields.name, email=fields.email)
    try:
        async with Session.begin() as session:
            session.add(user)
    except IntegrityError:
        raise email_taken() from None
    USERS_CREATED.inc()
    return User.model_validate(user)


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
async def update_user(user_id: UserId, fields: UserFields) -> User:
    try:
        async with Session.begin() as session:
            user = await session.get(UserRow, user_id)
            if user is None:
                raise user_not_found(user_id)
            user.name, user.email = fields.name, fields.email
    except IntegrityError:
        raise email_taken() from None
    return User.model_validate(user)


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
async def delete_user(user_id: UserId) -> None:
    try:
        async with Session.begin() as session:
            user = await session.get(UserRow, user_id)
            if user is None:
                raise user_not_found(user_id)
            await session.delete(user)
    except IntegrityError:
        raise user_has_orders(user_id) from None


@app.get("/point-reads")
async def read_many(count: ReadCount, seed: Seed) -> list[User]:
    ids = point_read_ids(count, seed, settings.dataset_users)
    async with Session() as session:
        # One SELECT a read: session.get() would answer a repeated id from the session's identity map.
        users = [(await session.scalars(select(UserRow).where(UserRow.id == user_id))).one() for user_id in ids]
    return [User.model_validate(user) for user in users]
