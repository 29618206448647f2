"""What users of the dataset have bought, against the rows that are loaded."""

import numpy as np
import pytest

from db.data import copy_format, dataset, purchases, rows

SIZE = dataset.size(0.001)
FOUND = {user_id: purchases.purchases(SIZE.users).of(user_id) for user_id in range(1, SIZE.users + 1)}
ORDERS, ITEMS, PRODUCTS = (
    rows.columns(table, np.arange(1, count + 1, dtype=np.int64), SIZE)
    for table, count in (("orders", SIZE.orders), ("order_items", SIZE.order_items), ("products", SIZE.products))
)


def test_every_order_belongs_to_its_user_and_to_no_other() -> None:
    """All of them, ascending, with their times."""
    made = sorted((order.order_id, user_id, order.created_at) for user_id, orders in FOUND.items() for order in orders)
    times = np.datetime_as_string(np.datetime64("2000-01-01") + ORDERS[2].astype("m8[us]"), "s").tolist()
    assert made == [
        (*row, f"{time}Z") for *row, time in zip(ORDERS[0].tolist(), ORDERS[1].tolist(), times, strict=True)
    ]
    assert all([one.order_id for one in orders] == sorted(one.order_id for one in orders) for orders in FOUND.values())


def test_every_item_belongs_to_its_order_and_to_no_other() -> None:
    """With product, quantity and price, ascending within an order."""
    orders = [order for orders in FOUND.values() for order in orders]
    made = sorted(
        (one.item_id, order.order_id, one.product_id, one.quantity) for order in orders for one in order.items
    )
    assert made == list(zip(*(column.tolist() for column in ITEMS[:4]), strict=True))
    by_id = sorted((one for order in orders for one in order.items), key=lambda one: one.item_id)
    cents = np.array([int(one.price.replace(".", "")) for one in by_id])
    assert copy_format.numeric(cents).tolist() == ITEMS[4].tolist()
    assert all([one.item_id for one in order.items] == sorted(one.item_id for one in order.items) for order in orders)


def test_products_have_their_names_and_prices() -> None:
    """Prices have two places, also where cents are none."""
    ids = PRODUCTS[0].tolist()
    assert [purchases.product(one).encode() for one in ids] == PRODUCTS[1].tolist()
    cents = np.array([int(purchases.price(one).replace(".", "")) for one in ids])
    assert copy_format.numeric(cents).tolist() == PRODUCTS[2].tolist()
    assert {len(purchases.price(one).partition(".")[2]) for one in ids} == {2}


@pytest.mark.parametrize("user_id", [0, -1, SIZE.users + 1, 2**63 - 1])
def test_who_is_not_in_the_dataset_has_bought_nothing(user_id: int) -> None:
    """Nor does it take the rows of another."""
    assert purchases.purchases(SIZE.users).of(user_id) == ()


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last block is shorter than the others."""
    monkeypatch.setattr(purchases, "BLOCK_ROWS", 77)
    again = purchases.Purchases(SIZE)
    assert {user_id: again.of(user_id) for user_id in FOUND} == FOUND
