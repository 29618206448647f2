"""The dataset's rows as whole arrays, in COPY's binary format."""

import struct

import numpy as np
import pytest

from db.data import content, copy_format, dataset, rows

SIZE = dataset.size(0.001)


def test_draws_are_those_of_the_dataset() -> None:
    """Also for the largest rows of the largest scale, in every stream."""
    last = dataset.size(dataset.LARGEST_SCALE).order_items
    ids = np.array([*range(1000), *range(last - 1000, last + 1)], np.int64)
    for stream in range(dataset.STREAMS):
        assert rows.draw(ids, stream).tolist() == [dataset.draw(row, stream) for row in ids.tolist()]


def test_users_are_those_of_the_dataset() -> None:
    """Load scripts know each user without asking the database."""
    ids = np.array([1, 2, 999, 1000, 10_000_000], np.int64)
    _, names, emails, _ = rows.columns("users", ids, SIZE)
    users = [dataset.user(user_id) for user_id in ids.tolist()]
    assert [(name.decode(), email.decode()) for name, email in zip(names.tolist(), emails.tolist(), strict=True)] == [
        (user.name, user.email) for user in users
    ]


@pytest.mark.parametrize("table", dataset.TABLES)
def test_blocks_hold_every_row_once(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut in whatever places, they are the same bytes."""
    whole = b"".join(block for _, block in rows.blocks(table, SIZE))
    monkeypatch.setattr(rows, "BLOCK_ROWS", 77)
    pieces = list(rows.blocks(table, SIZE))
    assert pieces[-1][0] == dict(SIZE.items())[table]
    assert b"".join(block for _, block in pieces) == whole


def test_rows_are_encoded_as_copy_reads_them() -> None:
    """A count of columns, then each column's length and value, most significant byte first; text without padding."""
    ids, quantity = np.array([1, -2], np.int64), np.array([3, 4], np.int32)
    texts, prices = np.array([b"a", b"bcd"]), copy_format.numeric(np.array([1234, 99_900], np.int64))
    assert copy_format.encoded((ids, texts, quantity, prices)) == b"".join(
        struct.pack(f">h iq i{len(text)}s ii i6h", 4, 8, id_, len(text), text, 4, number, 12, 2, 0, 0, 2, *digits)
        for id_, text, number, digits in ((1, b"a", 3, (12, 3400)), (-2, b"bcd", 4, (999, 0)))
    )


def test_the_schema_falls_into_its_parts() -> None:
    """Every statement of schema.sql is in one of them, with what it makes and on which table."""
    text = (content.FOLDER / "schema.sql").read_text()
    schema = content.schema()
    assert schema.tables.count("CREATE TABLE") == text.count("CREATE TABLE") == len(dataset.TABLES)
    named = [(one.table, one.name) for one in (*schema.keys, *schema.indexes, *schema.foreign_keys)]
    assert len(named) == text.count("ADD CONSTRAINT") + text.count("CREATE INDEX")
    assert ("users", "users_email_key") in named
    assert [one.name for one in schema.foreign_keys] == [
        "orders_user_id_fkey", "order_items_order_id_fkey", "order_items_product_id_fkey",
    ]  # fmt: skip
