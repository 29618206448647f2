"""Users with their orders and items, with SQLModel: loaded lazily, by select-in, by a join, or as JSON."""

from fastapi import APIRouter, Response
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import col, select, text
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.contract import models, params
from services.sqlmodel_async.database import engine
from services.sqlmodel_related import Order, User

# Times and prices as in the other answers: with a Z, and as text.
READ_JSON = text("""
    SELECT array_to_json(ARRAY(
        SELECT line FROM (
            SELECT users.id, users.name, users.email,
                   to_char(users.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at,
                   ARRAY(
                       SELECT line FROM (
                           SELECT orders.id,
                                  to_char(orders.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                                      AS created_at,
                                  ARRAY(
                                      SELECT line FROM (
                                          SELECT order_items.id, product_id, quantity, price::text
                                          FROM order_items WHERE order_id = orders.id
                                      ) AS line ORDER BY line.id
                                  ) AS items
                           FROM orders WHERE orders.user_id = users.id
                       ) AS line ORDER BY line.id
                   ) AS orders
            FROM users WHERE users.id >= :first_id ORDER BY users.id LIMIT :parents
        ) AS line ORDER BY line.id
    ))::text
""")

SELECT_IN = selectinload(User.orders).selectinload(Order.items)  # type: ignore[arg-type]  # SQLModel types it as a list
JOINED = joinedload(User.orders).joinedload(Order.items)  # type: ignore[arg-type]  # SQLModel types it as a list
router = APIRouter()


@router.get("/users-with-orders", response_model=list[models.UserWithOrders])
async def relations(
    first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
) -> list[models.UserWithOrders] | Response:
    async with AsyncSession(engine) as session:
        match loading:
            case "lazy":
                return await load_lazily(session, first_id, parents)
            case "selectin":
                return await load(session, first_id, parents, SELECT_IN)
            case "join":
                return await load(session, first_id, parents, JOINED)
            case "json":
                document = await session.scalar(READ_JSON, {"first_id": first_id, "parents": parents})
                return Response(document, media_type="application/json")


async def load_lazily(session: AsyncSession, first_id: int, parents: int) -> list[models.UserWithOrders]:
    users = (await session.exec(users_from(first_id, parents))).all()
    for user in users:
        for order in await user.awaitable_attrs.orders:
            await order.awaitable_attrs.items
    return [models.UserWithOrders.model_validate(user) for user in users]


async def load(
    session: AsyncSession, first_id: int, parents: int, option: ExecutableOption
) -> list[models.UserWithOrders]:
    users = await session.exec(users_from(first_id, parents).options(option))
    return [models.UserWithOrders.model_validate(user) for user in users.unique()]


def users_from(first_id: int, parents: int) -> SelectOfScalar[User]:
    return select(User).where(col(User.id) >= first_id).order_by(col(User.id)).limit(parents)
