"""The benchmark's tables as Tortoise's models."""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.models import Model


class User(Model):
    """A row of `users`."""

    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    email = fields.TextField()
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:  # noqa: D106  # the library's own name for a table's settings
        table = "users"


class Product(Model):
    """A row of `products`."""

    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    price = fields.DecimalField(max_digits=10, decimal_places=2)

    class Meta:  # noqa: D106  # as above
        table = "products"


class Order(Model):
    """A row of `orders`."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User")
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:  # noqa: D106  # as above
        table = "orders"


class OrderItem(Model):
    """A row of `order_items`."""

    id = fields.BigIntField(primary_key=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField("models.Order", related_name="items")
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("models.Product", related_name="items")
    quantity = fields.IntField()
    price = fields.DecimalField(max_digits=10, decimal_places=2)

    class Meta:  # noqa: D106  # as above
        table = "order_items"


class Note(Model):
    """A row of `notes`."""

    id = fields.BigIntField(primary_key=True)
    data = fields.TextField()

    class Meta:  # noqa: D106  # as above
        table = "notes"
