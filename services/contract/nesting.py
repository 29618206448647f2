"""Turns rows into users with their orders: of one query for everything, or of one for users and one for the rest."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

from services.contract.models import OrderedItem, OrderOfUser, UserWithOrders


class Row(Protocol):
    """A row whose columns are read by name."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""


def of_joined(rows: Iterable[Row]) -> list[UserWithOrders]:
    """Of rows with a user, an order and an item each, sorted by their ids. Orders and items may be missing (NULL)."""
    return [_user(lines[0], lines) for lines in (list(found) for _, found in groupby(rows, key=itemgetter("id")))]


def of_two(users: Iterable[Row], rows: Iterable[Row]) -> list[UserWithOrders]:
    """Of users, and of rows with an order and an item each, sorted by their ids. Items may be missing (NULL)."""
    lines = {user_id: list(found) for user_id, found in groupby(rows, key=itemgetter("user_id"))}
    return [_user(user, lines.get(user["id"], [])) for user in users]


def _user(user: Row, lines: Iterable[Row]) -> UserWithOrders:
    orders = [
        _order(order_id, list(found)) for order_id, found in groupby(lines, key=itemgetter("order_id")) if order_id
    ]
    return UserWithOrders(
        id=user["id"], name=user["name"], email=user["email"], created_at=user["created_at"], orders=orders
    )


def _order(order_id: int, lines: list[Row]) -> OrderOfUser:
    items = [
        OrderedItem(id=line["item_id"], product_id=line["product_id"], quantity=line["quantity"], price=line["price"])
        for line in lines
        if line["item_id"]
    ]
    return OrderOfUser(id=order_id, created_at=lines[0]["ordered_at"], items=items)
