"""Rows in the binary format of PostgreSQL's COPY, thousands at a time.

Source: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_WEIGHT, _SIGN, _DECIMAL_DIGITS = 0, 0, 2
NUMERIC = np.dtype([(name, ">i2") for name in ("count", "weight", "sign", "scale", "units", "fraction")])
"""A number from 0.01 to 9999.99, as two digits to the base 10,000 (numeric_recv drops the second where it is zero)."""


def numeric(cents: NDArray[np.int64]) -> NDArray[np.void]:
    """Hundredths, 1 to 999,999, as values of type numeric with two decimal places."""
    values = np.empty(len(cents), NUMERIC)
    values["count"], values["weight"], values["sign"], values["scale"] = 2, _WEIGHT, _SIGN, _DECIMAL_DIGITS
    values["units"], values["fraction"] = cents // 100, cents % 100 * 100
    return values


def encoded(columns: Sequence[NDArray[np.generic]]) -> bytes:
    """The rows of these columns, of equal length and without NULL. They go between `HEADER` and `TRAILER`.

    int64 becomes bigint (or timestamptz: microseconds since 2000), int32 int, bytes (dtype S) text, `NUMERIC` numeric.
    """
    kinds = [column.dtype.newbyteorder(">") for column in columns]
    fields: list[tuple[str, str | np.dtype[np.generic]]] = [("count", ">i2")]
    for number, kind in enumerate(kinds):
        fields += [(f"length{number}", ">i4"), (f"value{number}", kind)]
    rows = np.empty(len(columns[0]), np.dtype(fields))
    rows["count"] = len(columns)
    texts = []
    for number, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        rows[f"value{number}"] = column
        if kind.kind == "S":
            rows[f"length{number}"] = np.strings.str_len(rows[f"value{number}"])
            texts.append(number)
        else:
            rows[f"length{number}"] = kind.itemsize
    return _without_padding(rows, texts) if texts else rows.tobytes()


def _without_padding(rows: NDArray[np.void], texts: list[int]) -> bytes:
    """The bytes of the rows, without the padding of texts to the longest one of their column."""
    layout, width = rows.dtype.fields, rows.dtype.itemsize
    assert layout is not None  # noqa: S101  # for mypy: a dtype with names has fields
    kept = np.ones((len(rows), width), bool)
    for number in texts:
        kind, start = layout[f"value{number}"][:2]
        kept[:, start : start + kind.itemsize] = np.arange(kind.itemsize) < rows[f"length{number}"][:, np.newaxis]
    return rows.view(np.uint8).reshape(len(rows), width)[kept].tobytes()
