"""The tables of the simulation."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from services.contract import frames

ORDERED = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
PRODUCT = {"id": 1, "name": "Lamp", "price": Decimal("1.50")}
ITEM = {"order_id": 7, "created_at": ORDERED, "item_id": 8, "product_id": 1, "quantity": 2, "price": Decimal("1.50")}
WITHOUT = {"order_id": 9, "created_at": ORDERED, "item_id": None, "product_id": None, "quantity": None, "price": None}
PRODUCT_TYPES = {"id": pl.Int64(), "name": pl.String(), "price": pl.Decimal(10, 2)}
ORDER_TYPES = {
    "order_id": pl.Int64(), "created_at": pl.Datetime("us", "UTC"), "item_id": pl.Int64(), "product_id": pl.Int64(),
    "quantity": pl.Int64(), "price": pl.Decimal(10, 2),
}  # fmt: skip


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("rows", [[], [PRODUCT], [PRODUCT, {**PRODUCT, "id": 2}]])
def test_products_are_made_of_rows_of_either_kind(rows: list[dict[str, Any]]) -> None:
    """Drivers give tuples or mappings; a table without rows has its columns, too."""
    for table in (frames.products_ordered(rows), frames.products_ordered(values(rows))):
        assert (dict(table.schema), table.rows(named=True)) == (PRODUCT_TYPES, rows)


@pytest.mark.parametrize("rows", [[], [WITHOUT], [ITEM, WITHOUT]])
def test_orders_are_made_of_rows_of_either_kind(rows: list[dict[str, Any]]) -> None:
    """An order without items has one row without an item."""
    for table in (frames.orders_with_items(rows), frames.orders_with_items(values(rows))):
        assert (dict(table.schema), table.rows(named=True)) == (ORDER_TYPES, rows)
