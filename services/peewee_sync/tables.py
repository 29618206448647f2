"""The benchmark's tables as peewee's models."""

from peewee import BigAutoField, DateTimeField, DecimalField, ForeignKeyField, IntegerField, Model, TextField

from services.peewee_sync.database import database


class Table(Model):
    """The base of the models: they share one database."""

    class Meta:  # noqa: D106  # peewee reads it
        database = database


class User(Table):
    """A row of `users`. PostgreSQL sets the time."""

    id = BigAutoField()
    name = TextField()
    email = TextField()
    created_at = DateTimeField()

    class Meta:  # noqa: D106  # peewee reads it
        table_name = "users"


class Product(Table):
    """A row of `products`."""

    id = BigAutoField()
    name = TextField()
    price = DecimalField(10, 2)

    class Meta:  # noqa: D106  # peewee reads it
        table_name = "products"


class Order(Table):
    """A row of `orders`."""

    id = BigAutoField()
    user = ForeignKeyField(User)
    created_at = DateTimeField()

    class Meta:  # noqa: D106  # peewee reads it
        table_name = "orders"


class OrderItem(Table):
    """A row of `order_items`."""

    id = BigAutoField()
    order = ForeignKeyField(Order)
    product = ForeignKeyField(Product)
    quantity = IntegerField()
    price = DecimalField(10, 2)

    class Meta:  # noqa: D106  # peewee reads it
        table_name = "order_items"


class Note(Table):
    """A row of `notes`."""

    id = BigAutoField()
    data = TextField()

    class Meta:  # noqa: D106  # peewee reads it
        table_name = "notes"
