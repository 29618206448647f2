"""The benchmark's tables as Piccolo's tables.

A foreign key is named as its column: `join_on` does not know `db_column_name`.
"""

from piccolo.columns import BigSerial, ForeignKey, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table

from services.piccolo_async.database import DB


class User(Table, tablename="users", db=DB):
    """A row of `users`."""

    id = BigSerial(primary_key=True)
    name = Text()
    email = Text(unique=True)
    created_at = Timestamptz()  # Piccolo sends the time, by its own clock


class Product(Table, tablename="products", db=DB):
    """A row of `products`."""

    id = BigSerial(primary_key=True)
    name = Text()
    price = Numeric(digits=(10, 2))


class Order(Table, tablename="orders", db=DB):
    """A row of `orders`."""

    id = BigSerial(primary_key=True)
    user_id = ForeignKey(User)
    created_at = Timestamptz()


class OrderItem(Table, tablename="order_items", db=DB):
    """A row of `order_items`."""

    id = BigSerial(primary_key=True)
    order_id = ForeignKey(Order)
    product_id = ForeignKey(Product)
    quantity = Integer()
    price = Numeric(digits=(10, 2))


class Note(Table, tablename="notes", db=DB):
    """A row of `notes`."""

    id = BigSerial(primary_key=True)
    data = Text()
