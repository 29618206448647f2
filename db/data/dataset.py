"""The rows of the dataset: they depend on row number and scale only, and are the same on every machine.

This is pure Python on the standard library: services and load scripts import it, and `user` runs once for each request.
`db.data.rows` has the same rules for arrays, and `db.data.content` has the rule for notes as SQL. Tests compare them.
"""

import hashlib
import math
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from suite.errors import DatabaseError

VERSION = 1
"""Increased with every change of content or schema, so that a dataset of another version is recognised."""

SMALLEST_SCALE = 0.001
LARGEST_SCALE = 10.0
TABLES = ("users", "products", "orders", "order_items", "notes")
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
YEAR_S = 31_536_000
STREAMS = 16
"""How many independent values a row may draw. Row 100,000,000 (scale 10) times 16 still fits into 32 bits."""

FIRST_NAMES = (
    "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gwen", "Hugo", "Iris", "Jonas", "Kira", "Leo", "Mona", "Nils", "Olga",
    "Paul", "Quinn", "Rosa", "Sam", "Tara", "Uma", "Victor", "Wanda", "Xenia", "Yara", "Zeno", "Alma", "Boris",
    "Clara", "Emil", "Frida", "Gus",
)  # fmt: skip
LAST_NAMES = (
    "Abbot", "Baker", "Castro", "Dumont", "Eriksen", "Fischer", "Garcia", "Haas", "Ito", "Jansen", "Klein", "Larsen",
    "Meyer", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Silva", "Tanaka", "Ueda", "Varga", "Weber", "Xu",
    "Young", "Zeman", "Amari", "Bruun", "Costa", "Duarte", "Egede", "Falk",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The number of rows of each table."""

    users: int
    products: int
    orders: int
    order_items: int
    notes: int

    @property
    def ordered(self) -> int:
        """The number of orders with items: the first fifth."""
        return self.orders // 5

    def items(self) -> tuple[tuple[str, int], ...]:
        """(table, rows), in an order that the foreign keys allow for filling."""
        return tuple(zip(TABLES, astuple(self), strict=True))


SCALE_1 = Size(users=1_000_000, products=100_000, orders=5_000_000, order_items=10_000_000, notes=100_000)


class UserRow(NamedTuple):
    """One row of users. `created_at` has a time zone (UTC) and whole seconds."""

    id: int
    name: str
    email: str
    created_at: datetime


def parse_scale(value: float | str) -> float:
    """Parse and check a scale.

    Raises:
        DatabaseError: names the value and the range.
    """
    try:
        scale = float(value)
    except ValueError:
        scale = math.nan
    if not SMALLEST_SCALE <= scale <= LARGEST_SCALE:
        raise DatabaseError(
            f"scale {value!r} cannot be used: give a number from {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}"
            " (scale 1 is 1,000,000 users; the default is 0.01)"
        )
    return scale


def size(scale: float | str) -> Size:
    """The number of rows of each table at a scale, rounded to the nearest whole number."""
    return size_of(round(SCALE_1.users * parse_scale(scale)))


def size_of(users: int) -> Size:
    """The number of rows of each table in a dataset with this many users."""
    factor = users / SCALE_1.users
    return Size(*(round(rows * factor) for rows in astuple(SCALE_1)))


def mix(x: int) -> int:
    """A bijective hash of 32-bit numbers.

    Source: Thomas Mueller, https://stackoverflow.com/a/12996028. It needs only integer arithmetic, which PostgreSQL
    has, too, and which is the same in every release and on every platform.
    """
    x = ((x >> 16) ^ x) * 0x45D9F3B & 0xFFFFFFFF
    x = ((x >> 16) ^ x) * 0x45D9F3B & 0xFFFFFFFF
    return (x >> 16) ^ x


def draw(row: int, stream: int) -> int:
    """The 32-bit value that row number `row` draws from one of the `STREAMS`."""
    return mix(row * STREAMS + stream)


def user(user_id: int) -> UserRow:
    """The row of users with this id. It depends on the id only, not on the scale."""
    names = mix(user_id * 16)
    return UserRow(
        user_id,
        f"{FIRST_NAMES[names & 31]} {LAST_NAMES[names >> 5 & 31]}",
        f"user{user_id}@example.com",
        EPOCH + timedelta(seconds=mix(user_id * 16 + 1) % YEAR_S),
    )


def note(note_id: int) -> str:
    """The text of the note with this id."""
    return f"Note {note_id}: {hashlib.md5(str(note_id).encode(), usedforsecurity=False).hexdigest() * 4}"
