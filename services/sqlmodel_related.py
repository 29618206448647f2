"""The tables of users, orders and items as SQLModel's classes with relationships, for the study of related rows.

They are beside the classes of sqlmodel_tables.py, which have none: a relationship costs every row that is loaded.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import registry
from sqlmodel import BigInteger, Field, Relationship, SQLModel


class Related(AsyncAttrs, SQLModel, registry=registry()):
    """The base of these classes: their names are used elsewhere, too."""

    metadata: ClassVar[MetaData] = MetaData()


class User(Related, table=True):
    """A row of `users` with its orders."""

    __tablename__ = "users"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str
    email: str
    created_at: datetime
    orders: list["Order"] = Relationship(sa_relationship_kwargs={"order_by": "Order.id"})


class Order(Related, table=True):
    """A row of `orders` with its items."""

    __tablename__ = "orders"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    user_id: int = Field(foreign_key="users.id", sa_type=BigInteger)
    created_at: datetime
    items: list["OrderItem"] = Relationship(sa_relationship_kwargs={"order_by": "OrderItem.id"})


class OrderItem(Related, table=True):
    """A row of `order_items`."""

    __tablename__ = "order_items"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    order_id: int = Field(foreign_key="orders.id", sa_type=BigInteger)
    product_id: int = Field(sa_type=BigInteger)
    quantity: int
    price: Decimal = Field(max_digits=10, decimal_places=2)
