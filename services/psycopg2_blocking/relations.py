"""Users with their orders and items, with psycopg2 in `async def`: a query for each, two queries, one join, or JSON."""

from typing import Any

from fastapi import APIRouter, Response
from psycopg2.extras import RealDictCursor, RealDictRow

from services.contract import models, nesting, params
from services.psycopg2_blocking.database import cursor

READ_USERS = "SELECT id, name, email, created_at FROM users WHERE id >= %s ORDER BY id LIMIT %s"
READ_ORDERS = "SELECT id, created_at FROM orders WHERE user_id = %s ORDER BY id"
READ_ITEMS = "SELECT id, product_id, quantity, price FROM order_items WHERE order_id = %s ORDER BY id"
READ_ORDERS_OF_ALL = """
    SELECT orders.user_id, orders.id AS order_id, orders.created_at AS ordered_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM orders
    LEFT JOIN order_items ON order_items.order_id = orders.id
    WHERE orders.user_id = ANY(%s)
    ORDER BY orders.user_id, orders.id, order_items.id
"""
READ_JOINED = """
    SELECT users.id, users.name, users.email, users.created_at, orders.id AS order_id, orders.created_at AS ordered_at,
           order_items.id AS item_id, order_items.product_id, order_items.quantity, order_items.price
    FROM (SELECT * FROM users WHERE id >= %s ORDER BY id LIMIT %s) AS users
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
            FROM users WHERE users.id >= %s ORDER BY users.id LIMIT %s
        ) AS line ORDER BY line.id
    ))::text AS document
"""

router = APIRouter()


@router.get("/users-with-orders", response_model=list[models.UserWithOrders])
async def relations(
    first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
) -> list[models.UserWithOrders] | Response:
    with cursor() as cur:
        match loading:
            case "lazy":
                return load_lazily(cur, first_id, parents)
            case "selectin":
                return load_in_two(cur, first_id, parents)
            case "join":
                return load_joined(cur, first_id, parents)
            case "json":
                return Response(load_json(cur, first_id, parents), media_type="application/json")


def load_lazily(cur: RealDictCursor, first_id: int, parents: int) -> list[models.UserWithOrders]:
    found = []
    for user in fetch(cur, READ_USERS, first_id, parents):
        orders = []
        for order in fetch(cur, READ_ORDERS, user["id"]):
            items = fetch(cur, READ_ITEMS, order["id"])
            orders.append(models.OrderOfUser(**order, items=[models.OrderedItem(**item) for item in items]))
        found.append(models.UserWithOrders(**user, orders=orders))
    return found


def load_in_two(cur: RealDictCursor, first_id: int, parents: int) -> list[models.UserWithOrders]:
    users = fetch(cur, READ_USERS, first_id, parents)
    orders = fetch(cur, READ_ORDERS_OF_ALL, [user["id"] for user in users])
    return nesting.of_two(users, orders)


def load_joined(cur: RealDictCursor, first_id: int, parents: int) -> list[models.UserWithOrders]:
    return nesting.of_joined(fetch(cur, READ_JOINED, first_id, parents))


def load_json(cur: RealDictCursor, first_id: int, parents: int) -> str:
    [row] = fetch(cur, READ_JSON, first_id, parents)
    return str(row["document"])


def fetch(cur: RealDictCursor, query: str, *values: Any) -> list[RealDictRow]:
    cur.execute(query, values)
    return cur.fetchall()
