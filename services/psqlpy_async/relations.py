"""Users with their orders and items, with psqlpy: a query for each, two queries, one join, or JSON."""

from fastapi import APIRouter, Response
from psqlpy import Connection

from services.contract import models, nesting, params
from services.psqlpy_async.database import connection, prepared

READ_USERS = "SELECT id, name, email, created_at FROM users WHERE id >= $1 ORDER BY id LIMIT $2"
READ_ORDERS = "SELECT id, created_at FROM orders WHERE user_id = $1 ORDER BY id"
READ_ITEMS = "SELECT id, product_id, quantity, price FROM order_items WHERE order_id = $1 ORDER BY id"
READ_ORDERS_OF_ALL = """
    SELECT orders.user_id, orders.id AS order_id, orders.created_at AS ordered_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = ANY($1)
    ORDER BY orders.user_id, orders.id, order_items.id
"""
READ_JOINED = """
    SELECT users.id, users.name, users.email, users.created_at, orders.id AS order_id, orders.created_at AS ordered_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM (SELECT * FROM users WHERE id >= $1 ORDER BY id LIMIT $2) AS users
    LEFT JOIN orders ON orders.user_id = users.id
    LEFT JOIN order_items ON order_items.order_id = orders.id
    ORDER BY users.id, orders.id, order_items.id
"""
# Times and prices as in the other answers: with a Z, and as text.
READ_JSON = """
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
            FROM users WHERE users.id >= $1 ORDER BY users.id LIMIT $2
        ) AS line ORDER BY line.id
    ))::text AS document
"""

router = APIRouter()


@router.get("/users-with-orders", response_model=list[models.UserWithOrders])
async def relations(
    first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
) -> list[models.UserWithOrders] | Response:
    async with connection() as conn:
        match loading:
            case "lazy":
                return await load_lazily(conn, first_id, parents)
            case "selectin":
                return await load_in_two(conn, first_id, parents)
            case "join":
                return await load_joined(conn, first_id, parents)
            case "json":
                return Response(await load_json(conn, first_id, parents), media_type="application/json")


async def load_lazily(conn: Connection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    found = []
    for user in (await conn.execute(READ_USERS, [first_id, parents], prepared)).result():
        orders = []
        for order in (await conn.execute(READ_ORDERS, [user["id"]], prepared)).result():
            items = (await conn.execute(READ_ITEMS, [order["id"]], prepared)).result()
            orders.append(models.OrderOfUser(**order, items=[models.OrderedItem(**item) for item in items]))
        found.append(models.UserWithOrders(**user, orders=orders))
    return found


async def load_in_two(conn: Connection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    users = (await conn.execute(READ_USERS, [first_id, parents], prepared)).result()
    orders = (await conn.execute(READ_ORDERS_OF_ALL, [[user["id"] for user in users]], prepared)).result()
    return nesting.of_two(users, orders)


async def load_joined(conn: Connection, first_id: int, parents: int) -> list[models.UserWithOrders]:
    return nesting.of_joined((await conn.execute(READ_JOINED, [first_id, parents], prepared)).result())


async def load_json(conn: Connection, first_id: int, parents: int) -> str:
    [row] = (await conn.execute(READ_JSON, [first_id, parents], prepared)).result()
    return str(row["document"])
