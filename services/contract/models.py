"""The models of requests and answers."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from services.contract.computation import FIBONACCI_MAX, fibonacci

if TYPE_CHECKING:  # see services/contract/frames.py
    from services.contract.frames import Table

# PostgreSQL's text cannot contain NUL, so names and addresses must not.
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")]


class UserFields(BaseModel):
    """The fields that a client sends to create or replace a user."""

    name: Name
    email: Email


class User(BaseModel):
    """A row of `users`."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str
    created_at: datetime


class Note(BaseModel):
    """A row of `notes`."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    data: str


class ProductsOrdered(BaseModel):
    """The products that a user ordered, each once, as columns, sorted by id."""

    id: list[int]
    name: list[str]
    price: list[Decimal]


class OrdersWithItems(BaseModel):
    """A user's orders, as columns, with a row for each item. An order without items has one row without an item.

    Sorted by order and item.
    """

    order_id: list[int]
    created_at: list[datetime]
    item_id: list[int | None]
    product_id: list[int | None]
    quantity: list[int | None]
    price: list[Decimal | None]


class OrderedItem(BaseModel):
    """A row of `order_items`, below its order."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    product_id: int
    quantity: int
    price: Decimal


class OrderOfUser(BaseModel):
    """A row of `orders`, below its user, with its items, sorted by id."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime
    items: list[OrderedItem]


class UserWithOrders(User):
    """A row of `users` with its orders, sorted by id."""

    orders: list[OrderOfUser]


class Simulation(BaseModel):
    """The orders of a user, and a computation on them."""

    products: ProductsOrdered
    orders: OrdersWithItems
    total_quantity: int
    fibonacci: int

    @classmethod
    def of(cls, products: "Table", orders: "Table") -> "Simulation":
        """Compute the answer from both tables. It takes CPU time: over a second from a total quantity of 35."""
        total = int(orders["quantity"].sum())
        return cls(
            products=ProductsOrdered(**products.to_dict(as_series=False)),
            orders=OrdersWithItems(**orders.to_dict(as_series=False)),
            total_quantity=total,
            fibonacci=fibonacci(min(total, FIBONACCI_MAX)),
        )


class Pong(BaseModel):
    """The answer of `GET /ping`, which needs no database."""

    ping: str = "pong"


class Problem(BaseModel):
    """The body of a 404, 409, 501, 502 or 503."""

    detail: str


class PoolSettings(BaseModel):
    """The settings of one worker's connection pool."""

    size: int
    overflow: int
    timeout_s: float


class Health(BaseModel):
    """The service that answers, its settings, what runs it, and its versions. `builds` is by services/builds.py.

    `server`, `event_loop` and `http_parser` are those of the process that answers, whatever it was asked to use.
    `driver` is the one that really connects, of a service that has a choice.
    """

    service: str
    driver: str
    profile: str
    gc: str
    pooler: str
    nonce: str
    pool: PoolSettings
    threads: int
    server: str
    event_loop: str
    http_parser: str
    versions: dict[str, str]
    builds: dict[str, str]
