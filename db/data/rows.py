"""The rules of `db.data.dataset` for arrays: the rows of every table, in the format of COPY."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from db.data import copy_format, dataset
from db.data.dataset import Size

BLOCK_ROWS = 20_000  # about 1.5 MB of COPY: the harness has only one block of a table in memory
Ids = NDArray[np.int64]
Columns = tuple[NDArray[np.generic], ...]

_EPOCH_S = int((dataset.EPOCH - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())  # timestamptz counts from 2000
_FIRST_NAMES, _LAST_NAMES = np.array(dataset.FIRST_NAMES, "S"), np.array(dataset.LAST_NAMES, "S")


def blocks(table: str, size: Size) -> Iterator[tuple[int, bytes]]:
    """All rows of a table, in blocks: (id of the last row, COPY's binary format without header and trailer)."""
    last = dict(size.items())[table]
    for first in range(1, last + 1, BLOCK_ROWS):
        ids = np.arange(first, min(first + BLOCK_ROWS, last + 1), dtype=np.int64)
        yield int(ids[-1]), copy_format.encoded(columns(table, ids, size))


def columns(table: str, ids: Ids, size: Size) -> Columns:
    """The columns of the rows with these ids, in the order of `schema.sql`."""
    return _TABLES[table](ids, size)


def draw(ids: Ids, stream: int) -> Ids:
    """`dataset.draw` for each id."""
    x = ids * dataset.STREAMS + stream
    for _ in range(2):
        x = ((x >> 16) ^ x) * 0x45D9F3B & 0xFFFFFFFF
    return (x >> 16) ^ x


def users_of_orders(ids: Ids, size: Size) -> Ids:
    """Who made each of these orders."""
    # User 1 has an order at every scale: deleting that user must be refused.
    return np.where(ids == 1, 1, 1 + draw(ids, 3) % size.users)


def orders_of_items(ids: Ids, size: Size) -> Ids:
    """The order that each of these items belongs to."""
    return 1 + draw(ids, 5) % size.ordered


def _users(ids: Ids, _size: Size) -> Columns:
    names = draw(ids, 0)
    first, last = _FIRST_NAMES[names & 31], _LAST_NAMES[names >> 5 & 31]
    return ids, _joined(first, b" ", last), _joined(b"user", _digits(ids), b"@example.com"), _moment(ids, 1)


def _products(ids: Ids, _size: Size) -> Columns:
    return ids, _joined(b"Product ", _digits(ids)), _price(ids)


def _orders(ids: Ids, size: Size) -> Columns:
    return ids, users_of_orders(ids, size), _moment(ids, 4)


def _order_items(ids: Ids, size: Size) -> Columns:
    product_ids = 1 + draw(ids, 6) % size.products
    quantity = (1 + draw(ids, 7) % 5).astype(np.int32)
    return ids, orders_of_items(ids, size), product_ids, quantity, _price(product_ids)


def _notes(ids: Ids, _size: Size) -> Columns:
    digits = _digits(ids)
    sums = np.array([hashlib.md5(text, usedforsecurity=False).hexdigest() for text in digits.tolist()], "S32")
    return ids, _joined(b"Note ", digits, b": ", sums, sums, sums, sums)


_TABLES = {
    "users": _users,
    "products": _products,
    "orders": _orders,
    "order_items": _order_items,
    "notes": _notes,
}


def _price(product_ids: Ids) -> NDArray[np.void]:
    return copy_format.numeric(100 + draw(product_ids, 2) % 99_900)


def _moment(ids: Ids, stream: int) -> Ids:
    return (_EPOCH_S + draw(ids, stream) % dataset.YEAR_S) * 1_000_000


def _digits(ids: Ids) -> NDArray[np.bytes_]:
    return ids.astype("S20")


def _joined(*parts: NDArray[np.bytes_] | bytes) -> NDArray[np.bytes_]:
    whole = np.asarray(parts[0])
    for part in parts[1:]:
        whole = np.strings.add(whole, np.asarray(part))
    return whole
