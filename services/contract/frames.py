"""The two tables of `GET /simulation`. Empty tables have their columns, too.

polars is imported when a table is first made: only this operation needs it, and it would be a third of the objects that
every full garbage collection of a service walks through.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    Table = pl.DataFrame

Row = Sequence[Any] | Mapping[str, Any]


def products_ordered(rows: Sequence[Row]) -> "Table":
    """The products that a user ordered, each once."""
    import polars as pl  # noqa: PLC0415  # see above

    columns = {"id": pl.Int64(), "name": pl.String(), "price": pl.Decimal(10, 2)}
    return pl.DataFrame(rows, columns, orient="row")


def orders_with_items(rows: Sequence[Row]) -> "Table":
    """A user's orders, with a row for each item."""
    import polars as pl  # noqa: PLC0415  # see above

    columns = {
        "order_id": pl.Int64(),
        "created_at": pl.Datetime("us", "UTC"),
        "item_id": pl.Int64(),
        "product_id": pl.Int64(),
        "quantity": pl.Int64(),
        "price": pl.Decimal(10, 2),
    }
    return pl.DataFrame(rows, columns, orient="row")
