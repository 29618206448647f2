"""What each user of the dataset has bought: `db.data.rows` goes from items to orders to users, this goes back.

The index has four bytes for each order and each item. At scale 1 it takes 90 MB, and 170 MB and two seconds while it
is made.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from db.data import dataset, rows
from db.data.dataset import Size
from db.data.rows import Ids

BLOCK_ROWS = 500_000  # the arrays of 64-bit numbers in between stay small


class PurchasedItem(NamedTuple):
    """A row of order_items. Prices are decimal numbers with two places, as text."""

    item_id: int
    product_id: int
    quantity: int
    price: str


class PurchaseOrder(NamedTuple):
    """A row of orders with its items, both in ascending order. `created_at` is ISO 8601, in UTC."""

    order_id: int
    created_at: str
    items: tuple[PurchasedItem, ...]


class Purchases:
    """Finds the orders of a user in a dataset of this size."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._orders = Inverse(size.orders, size.users, lambda ids: rows.users_of_orders(ids, size))
        self._items = Inverse(size.order_items, size.ordered, lambda ids: rows.orders_of_items(ids, size))

    def of(self, user_id: int) -> tuple[PurchaseOrder, ...]:
        """All orders of a user, those without items, too."""
        return tuple(
            PurchaseOrder(order_id, _created_at(order_id), tuple(map(self._item, self._items.of(order_id))))
            for order_id in self._orders.of(user_id)
        )

    def _item(self, item_id: int) -> PurchasedItem:
        product_id = 1 + dataset.draw(item_id, 6) % self._size.products
        return PurchasedItem(item_id, product_id, 1 + dataset.draw(item_id, 7) % 5, price(product_id))


class Inverse:
    """Rows by their parent: `parents` gives the parent of each row, a number from 1 to `most`."""

    def __init__(self, count: int, most: int, parents: Callable[[Ids], Ids]) -> None:
        keys, each = np.empty(count, np.int64), np.zeros(most + 1, np.int64)
        for first in range(0, count, BLOCK_ROWS):
            ids = np.arange(first + 1, min(first + BLOCK_ROWS, count) + 1, dtype=np.int64)
            found = parents(ids)
            each += np.bincount(found, minlength=most + 1)
            keys[first : first + len(ids)] = found << 32 | ids
        keys.sort()  # by parent, then by row, in place: an argsort would need as much again
        self._rows: NDArray[np.int32] = keys.astype(np.int32)  # the lower half
        self._ends: NDArray[np.int64] = np.cumsum(each)

    def of(self, parent: int) -> list[int]:
        """The rows of one parent, ascending. None for a number that no row has."""
        if not 0 < parent < len(self._ends):
            return []
        found: list[int] = self._rows[self._ends[parent - 1] : self._ends[parent]].tolist()
        return found


@cache
def purchases(users: int) -> Purchases:
    """Of the dataset with this many users. It is made once, on first use."""
    return Purchases(dataset.size_of(users))


def price(product_id: int) -> str:
    """What a product costs, as a decimal number with two places."""
    cents = 100 + dataset.draw(product_id, 2) % 99_900
    return f"{cents // 100}.{cents % 100:02d}"


def product(product_id: int) -> str:
    """The name of a product."""
    return f"Product {product_id}"


def _created_at(order_id: int) -> str:
    moment = dataset.EPOCH + timedelta(seconds=dataset.draw(order_id, 4) % dataset.YEAR_S)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
