"""SQLAlchemy's ORM, asynchronous, on asyncpg: mapped classes, a session a request, one transaction a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import cast

import polars as pl
from fastapi import FastAPI, Request, Response
from sqlalchemy import AsyncAdaptedQueuePool, BigInteger, DateTime, ForeignKey, Numeric, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.contract import errors, frames, models, operations, params, point_reads
from services.external import AsyncExternalApi
from services.introspection import health_of
from services.metrics import USERS_CREATED, metrics_of_all_workers, watch
from services.settings import Settings

settings = Settings.from_environment()
engine = create_async_engine(
    "postgresql+asyncpg://",
    pool_size=settings.pool_size,
    max_overflow=settings.pool_overflow,
    pool_timeout=settings.pool_timeout_s,
    # Lean: each statement is a transaction, without BEGIN and COMMIT.
    **({"isolation_level": "AUTOCOMMIT"} if settings.lean else {}),
    # asyncpg reads the URL itself: SQLAlchemy would hand it libpq's parameters as arguments that it does not take.
    connect_args={"dsn": settings.database_url},
)
Session = async_sessionmaker(engine, expire_on_commit=False)
# For operations whose transactions are the question: a session begins one with the first statement, lean or not.
transactional = engine.execution_options(isolation_level="READ COMMITTED") if settings.lean else engine
TransactionalSession = async_sessionmaker(transactional, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ProductRow(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class OrderRow(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(UserRow.id))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OrderItemRow(Base):
    __tablename__ = "order_items"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(OrderRow.id))
    product_id: Mapped[int] = mapped_column(ForeignKey(ProductRow.id))
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class NoteRow(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    data: Mapped[str]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # The engine connects on first use: open the whole pool now, as the other services do.
    connections = await asyncio.gather(*(engine.connect() for _ in range(settings.pool_size)))
    for conn in connections:
        await conn.close()
    pool = cast("AsyncAdaptedQueuePool", engine.pool)
    watch(pool_connections=lambda: pool.checkedin() + pool.checkedout(), pool_idle=pool.checkedin)
    app.state.external_api = AsyncExternalApi(settings.external_api_url)
    yield
    await app.state.external_api.close()
    await engine.dispose()


app = FastAPI(title="SQLAlchemy ORM (async)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=PoolTimeoutError)


@app.get("/health")
async def health(request: Request) -> models.Health:
    return await health_of("sqlalchemy_async", settings, request)


@app.get("/ping")
async def ping() -> models.Pong:
    return models.Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    async with Session() as session:
        user = await session.get(UserRow, user_id)
    if user is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(user)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    async with Session() as session:
        users = (await session.scalars(select(UserRow).order_by(UserRow.id).offset(offset).limit(limit))).all()
    return [models.User.model_validate(user) for user in users]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    user = UserRow(name=fields.name, email=fields.email)
    try:
        async with Session.begin() as session:
            session.add(user)
    except IntegrityError:
        raise errors.email_taken() from None
    USERS_CREATED.inc()
    return models.User.model_validate(user)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        async with Session.begin() as session:
            user = await session.get(UserRow, user_id)
            if user is None:
                raise errors.user_not_found(user_id)
            user.name, user.email = fields.name, fields.email
    except IntegrityError:
        raise errors.email_taken() from None
    return models.User.model_validate(user)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        async with Session.begin() as session:
            user = await session.get(UserRow, user_id)
            if user is None:
                raise errors.user_not_found(user_id)
            await session.delete(user)
    except IntegrityError:
        raise errors.user_has_orders(user_id) from None


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    ids = point_reads.ids(count, seed, settings.dataset_users)
    async with Session() as session:
        # One SELECT a read: session.get() would answer a repeated id from the session's identity map.
        users = [(await session.scalars(select(UserRow).where(UserRow.id == user_id))).one() for user_id in ids]
    return [models.User.model_validate(user) for user in users]


@app.get("/notes/{note_id}", responses=errors.NOT_FOUND)
async def read_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        async with TransactionalSession() as session:
            return models.Note.model_validate(await find_note(session, note_id))
    async with TransactionalSession.begin() as session:
        return models.Note.model_validate(await find_note(session, note_id))


@app.post("/notes/{note_id}/synchronize", responses=errors.NOT_FOUND | errors.BAD_GATEWAY)
async def synchronize_note(note_id: params.NoteId, transaction: params.Transaction = "implicit") -> models.Note:
    if transaction == "implicit":
        # The first statement begins a transaction: it stays open, and has its connection, during the call.
        async with TransactionalSession() as session:
            note = await find_note(session, note_id)
            note.data = await app.state.external_api.note(note_id)
            await session.commit()
        return models.Note.model_validate(note)
    async with TransactionalSession.begin() as session:
        note = await find_note(session, note_id)
    note.data = await app.state.external_api.note(note_id)
    async with TransactionalSession.begin() as session:
        await session.execute(update(NoteRow).where(NoteRow.id == note_id).values(data=note.data))
    return models.Note.model_validate(note)


async def find_note(session: AsyncSession, note_id: int) -> NoteRow:
    note = await session.get(NoteRow, note_id)
    if note is None:
        raise errors.note_not_found(note_id)
    return note


@app.get("/session-sleep", status_code=204)
async def session_sleep(sleep: params.Sleep, seconds: params.Seconds = 2.0) -> None:
    async with TransactionalSession() as session:
        await session.get_one(UserRow, operations.SLEEPERS_USER)
        if sleep == "inside":
            await asyncio.sleep(seconds)
    if sleep == "outside":
        await asyncio.sleep(seconds)


@app.get("/simulation")
async def simulation(user_id: params.OrderingUserId) -> models.Simulation:
    products, orders = await asyncio.gather(read_products(user_id), read_orders(user_id))
    return models.Simulation.of(products, orders)


async def read_products(user_id: int) -> pl.DataFrame:
    query = (
        select(ProductRow.id, ProductRow.name, ProductRow.price)
        .join(OrderItemRow, OrderItemRow.product_id == ProductRow.id)
        .join(OrderRow, OrderRow.id == OrderItemRow.order_id)
        .where(OrderRow.user_id == user_id)
        .distinct()
        .order_by(ProductRow.id)
    )
    async with Session() as session:
        rows = (await session.execute(query)).all()
    return pl.DataFrame([tuple(row) for row in rows], frames.PRODUCTS_ORDERED, orient="row")


async def read_orders(user_id: int) -> pl.DataFrame:
    item = OrderItemRow
    query = (
        select(OrderRow.id, OrderRow.created_at, item.id, item.product_id, item.quantity, item.price)
        .outerjoin(item, item.order_id == OrderRow.id)
        .where(OrderRow.user_id == user_id)
        .order_by(OrderRow.id, item.id)
    )
    async with Session() as session:
        rows = (await session.execute(query)).all()
    return pl.DataFrame([tuple(row) for row in rows], frames.ORDERS_WITH_ITEMS, orient="row")
