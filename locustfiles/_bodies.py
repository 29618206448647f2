"""What answers must be whose bytes are not known beforehand: every member, and nothing more."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC
from functools import cache, lru_cache
from typing import Any

from db.data import dataset
from services.contract.computation import FIBONACCI_MAX

Problem = Callable[[dict[str, Any]], str]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


def exactly(**members: Any) -> Problem:
    """An object with these members and no others. A function in place of a value says whether a value is right."""

    def problem(answer: dict[str, Any]) -> str:
        wrong = [name for name in (*members, *(answer.keys() - members.keys())) if not right(answer, name)]
        return f"wrong {', '.join(wrong)} in body" if wrong else ""

    def right(answer: dict[str, Any], name: str) -> bool:
        if name not in answer or name not in members:
            return False
        value, expected = answer[name], members[name]
        return bool(expected(value)) if callable(expected) else bool(value == expected)

    return problem


def is_moment(value: Any) -> bool:
    """Whether it is a time with its zone, in ISO 8601."""
    return isinstance(value, str) and MOMENT.fullmatch(value) is not None


def is_id_beyond(last: int) -> Callable[[Any], bool]:
    """Whether a value is the id of a row that was added to a table with so many."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value > last


def version(note_id: int, text: Any) -> int | None:
    """Which version of a note this is, as the external API numbers them. None for any other text."""
    found = re.fullmatch(rf"Note {note_id}, version (\d{{1,18}})", text, re.ASCII) if isinstance(text, str) else None
    return int(found[1]) if found else None


@lru_cache(maxsize=10_000)
def simulated(user_id: int, users: int) -> dict[str, Any]:
    """The answer of a simulation for this user of a dataset with so many, as JSON has it.

    Follows from the rules of the dataset: see services/contract/models.py for the columns.
    """
    from db.data import purchases  # noqa: PLC0415  # makes an index of all orders, which other scenarios do not need

    orders = purchases.purchases(users).of(user_id)
    lines = [(order, item) for order in orders for item in order.items or (None,)]
    items = [item for _, item in lines]
    products = sorted({item.product_id for item in items if item is not None})
    total = sum(item.quantity for item in items if item is not None)
    return {
        "products": {
            "id": products,
            "name": [purchases.product(one) for one in products],
            "price": [purchases.price(one) for one in products],
        },
        "orders": {
            "order_id": [order.order_id for order, _ in lines],
            "created_at": [order.created_at for order, _ in lines],
            "item_id": [item and item.item_id for item in items],
            "product_id": [item and item.product_id for item in items],
            "quantity": [item and item.quantity for item in items],
            "price": [item and item.price for item in items],
        },
        "total_quantity": total,
        "fibonacci": fibonacci(min(total, FIBONACCI_MAX)),
    }


def related(user_ids: Iterable[int], users: int) -> bytes:
    """These users of a dataset with so many, each with its orders and their items, as the services' JSON."""
    return b"[" + b",".join(with_orders(user_id, users) for user_id in user_ids) + b"]"


MOST_KEPT = 20_000  # users with their orders


@lru_cache(maxsize=MOST_KEPT)
def with_orders(user_id: int, users: int) -> bytes:
    """One user of a dataset with so many, with its orders and their items."""
    from db.data import purchases  # noqa: PLC0415  # as above

    orders = ",".join(
        f'{{"id":{order.order_id},"created_at":"{order.created_at}","items":['
        + ",".join(
            f'{{"id":{item.item_id},"product_id":{item.product_id},"quantity":{item.quantity},"price":"{item.price}"}}'
            for item in order.items
        )
        + "]}"
        for order in purchases.purchases(users).of(user_id)
    )
    return user_json(user_id)[:-1] + f',"orders":[{orders}]}}'.encode()


@lru_cache(maxsize=200_000)
def user_json(user_id: int) -> bytes:
    """This user of the dataset as JSON, in the format of the services."""
    user = dataset.user(user_id)
    created_at = user.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'{{"id":{user.id},"name":"{user.name}","email":"{user.email}","created_at":"{created_at}"}}'.encode()


def users_json(user_ids: Iterable[int]) -> bytes:
    """A list of these users of the dataset as JSON, in the format of the services."""
    return b"[" + b",".join(map(user_json, user_ids)) + b"]"


@cache
def fibonacci(n: int) -> int:
    """As in services/contract/computation.py, but each number is computed only once: the load must cost little."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
