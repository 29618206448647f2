"""Rows as users with their orders: of one query or of two, also where orders or items are missing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.contract import nesting
from services.contract.models import OrderedItem, OrderOfUser, UserWithOrders

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
ADA, BEN = (
    {"id": number, "name": name, "email": f"{name}@example.com", "created_at": WHEN}
    for number, name in ((1, "Ada"), (2, "Ben"))
)


def line(user_id: int, order_id: int | None, item_id: int | None) -> dict[str, Any]:
    """A row with an order and an item; both may be missing."""
    return {
        "user_id": user_id, "order_id": order_id, "ordered_at": WHEN if order_id else None, "item_id": item_id,
        "product_id": 7 if item_id else None, "quantity": 2 if item_id else None,
        "price": Decimal("1.50") if item_id else None,
    }  # fmt: skip


ITEMS = [OrderedItem(id=number, product_id=7, quantity=2, price=Decimal("1.50")) for number in (11, 12)]
ADAS = [OrderOfUser(id=5, created_at=WHEN, items=ITEMS), OrderOfUser(id=6, created_at=WHEN, items=[])]
EXPECTED = [UserWithOrders(**ADA, orders=ADAS), UserWithOrders(**BEN, orders=[])]


def test_rows_of_one_query_are_grouped_by_user_and_order() -> None:
    """An order without items has none, and a user without orders has none."""
    rows = [ADA | line(1, 5, 11), ADA | line(1, 5, 12), ADA | line(1, 6, None), BEN | line(2, None, None)]
    assert nesting.of_joined(rows) == EXPECTED
    assert nesting.of_joined([]) == []


def test_rows_of_two_queries_are_the_same() -> None:
    """The second has no row for a user without orders."""
    assert nesting.of_two([ADA, BEN], [line(1, 5, 11), line(1, 5, 12), line(1, 6, None)]) == EXPECTED
    assert nesting.of_two([], []) == []
