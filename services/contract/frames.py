"""The columns of the two tables of `GET /simulation`. Empty tables have them, too."""

import polars as pl

PRODUCTS_ORDERED = pl.Schema({"id": pl.Int64(), "name": pl.String(), "price": pl.Decimal(10, 2)})
ORDERS_WITH_ITEMS = pl.Schema(
    {
        "order_id": pl.Int64(),
        "created_at": pl.Datetime("us", "UTC"),
        "item_id": pl.Int64(),
        "product_id": pl.Int64(),
        "quantity": pl.Int64(),
        "price": pl.Decimal(10, 2),
    }
)
