"""Users with their orders and items, with SQLAlchemy's ORM: loaded lazily, by select-in, by a join, or as JSON."""

from fastapi import APIRouter, Response
from sqlalchemy import Select, orm, select, text
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from services.contract import models, params
from services.related_tables import Order, User
from services.sqlalchemy_sync.database import Session

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

SELECT_IN = selectinload(User.orders).selectinload(Order.items)
JOINED = joinedload(User.orders).joinedload(Order.items)
router = APIRouter()


@router.get("/users-with-orders", response_model=list[models.UserWithOrders])
def relations(
    first_id: params.FirstId, parents: params.Parents = 10, loading: params.Loading = "selectin"
) -> list[models.UserWithOrders] | Response:
    with Session() as session:
        match loading:
            case "lazy":
                return load_lazily(session, first_id, parents)
            case "selectin":
                return load(session, first_id, parents, SELECT_IN)
            case "join":
                return load(session, first_id, parents, JOINED)
            case "json":
                document = session.scalar(READ_JSON, {"first_id": first_id, "parents": parents})
                return Response(document, media_type="application/json")


def load_lazily(session: orm.Session, first_id: int, parents: int) -> list[models.UserWithOrders]:
    users = session.scalars(users_from(first_id, parents))
    return [models.UserWithOrders.model_validate(user) for user in users]  # this loads orders and items


def load(session: orm.Session, first_id: int, parents: int, option: ExecutableOption) -> list[models.UserWithOrders]:
    users = session.scalars(users_from(first_id, parents).options(option))
    return [models.UserWithOrders.model_validate(user) for user in users.unique()]


def users_from(first_id: int, parents: int) -> Select[User]:
    return select(User).where(User.id >= first_id).order_by(User.id).limit(parents)
