"""Users with their orders and items, with SQLAlchemy Core: a query for each, two queries, one join, or JSON."""

from fastapi import APIRouter, Response
from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contract import models, nesting, params
from services.sqlalchemy_core_async.database import engine
from services.tables import order_items, orders, users

FROM_FIRST = select(users).where(users.c.id >= bindparam("first_id")).order_by(users.c.id).limit(bindparam("parents"))
READ_ORDERS = (
    select(orders.c.id, orders.c.created_at).where(orders.c.user_id == bindparam("user_id")).order_by(orders.c.id)
)
READ_ITEMS = (
    select(order_items.c.id, order_items.c.product_id, order_items.c.quantity, order_items.c.price)
    .where(order_items.c.order_id == bindparam("order_id"))
    .order_by(order_items.c.id)
)
ORDER_WITH_ITEM = (
    orders.c.id.label("order_id"),
    orders.c.created_at.label("ordered_at"),
    order_items.c.id.label("item_id"),
    order_items.c.product_id,
    order_items.c.quantity,
    order_items.c.price,
)
READ_ORDERS_OF_ALL = (
    select(orders.c.user_id, *ORDER_WITH_ITEM)
    .outerjoin_from(orders, order_items, order_items.c.order_id == orders.c.id)
    .where(orders.c.user_id.in_(bindparam("user_ids", expanding=True)))
    .order_by(orders.c.user_id, orders.c.id, order_items.c.id)
)
FIRST = FROM_FIRST.subquery()
READ_JOINED = (
    select(FIRST, *ORDER_WITH_ITEM)
    .outerjoin_from(FIRST, orders, orders.c.user_id == FIRST.c.id)
    .outerjoin(order_items, order_items.c.order_id == orders.c.id)
    .order_by(FIRST.c.id, orders.c.id, order_items.c.id)
)
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

router = APIRouter()


@router.get("/users-with-orders", response_model=list[models.UserWithOrders])
async def relations(
    first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
) -> list[models.UserWithOrders] | Response:
    async with engine.connect() as conn:
        match loading:
            case "lazy":
                return await load_lazily(conn, first_id, parents)
            case "selectin":
                return await load_in_two(conn, first_id, parents)
            case "join":
                return await load_joined(conn, first_id, parents)
            case "json":
                return Response(await load_json(conn, first_id, parents), media_type="application/json")


async def load_lazily(conn: AsyncConnection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    found = []
    for user in (await conn.execute(FROM_FIRST, {"first_id": first_id, "parents": parents})).mappings().all():
        of_user = []
        for order in (await conn.execute(READ_ORDERS, {"user_id": user["id"]})).mappings().all():
            items = (await conn.execute(READ_ITEMS, {"order_id": order["id"]})).mappings().all()
            of_user.append(models.OrderOfUser(**order, items=[models.OrderedItem(**item) for item in items]))
        found.append(models.UserWithOrders(**user, orders=of_user))
    return found


async def load_in_two(conn: AsyncConnection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    parents_found = (await conn.execute(FROM_FIRST, {"first_id": first_id, "parents": parents})).mappings().all()
    lines = (
        (await conn.execute(READ_ORDERS_OF_ALL, {"user_ids": [user["id"] for user in parents_found]})).mappings().all()
    )
    return nesting.of_two(parents_found, lines)


async def load_joined(conn: AsyncConnection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    return nesting.of_joined(
        (await conn.execute(READ_JOINED, {"first_id": first_id, "parents": parents})).mappings().all()
    )


async def load_json(conn: AsyncConnection, first_id: int, parents: int) -> str:
    return str(await conn.scalar(READ_JSON, {"first_id": first_id, "parents": parents}))
