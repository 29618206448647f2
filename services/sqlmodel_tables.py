"""The benchmark's tables as classes of SQLModel."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import BigInteger, Field, SQLModel, func


class User(SQLModel, table=True):
    """A row of `users`."""

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    name: str
    email: str
    created_at: datetime | None = Field(default=None, nullable=False, sa_column_kwargs={"server_default": func.now()})


class Product(SQLModel, table=True):
    """A row of `products`."""

    __tablename__ = "products"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    name: str
    price: Decimal = Field(max_digits=10, decimal_places=2)


class Order(SQLModel, table=True):
    """A row of `orders`."""

    __tablename__ = "orders"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    user_id: int = Field(foreign_key="users.id", sa_type=BigInteger)
    created_at: datetime | None = Field(default=None, nullable=False, sa_column_kwargs={"server_default": func.now()})


class OrderItem(SQLModel, table=True):
    """A row of `order_items`."""

    __tablename__ = "order_items"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    order_id: int = Field(foreign_key="orders.id", sa_type=BigInteger)
    product_id: int = Field(foreign_key="products.id", sa_type=BigInteger)
    quantity: int
    price: Decimal = Field(max_digits=10, decimal_places=2)


class Note(SQLModel, table=True):
    """A row of `notes`."""

    __tablename__ = "notes"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    data: str
