"""The dataset's rules as SQL: `fill.sql` with its expressions and row counts filled in."""

from pathlib import Path
from string import Template

from db import dataset

FOLDER = Path(__file__).parent
NOTE = "'Note ' || id || ': ' || repeat(md5(id::text), 4)"
"""The text of note `id`, as an expression."""


def mix(x: str) -> str:
    """`dataset.mix` of an SQL expression of type bigint, as plain arithmetic: nothing is created in the database."""
    for _ in range(2):
        x = f"((((({x}) >> 16) # ({x})) * {0x45D9F3B}) & {0xFFFFFFFF})"
    return f"(({x} >> 16) # {x})"


def draw(stream: int) -> str:
    """`dataset.draw(id, stream)` as SQL."""
    return mix(f"id * {dataset.STREAMS} + {stream}")


def fill(size: dataset.Size) -> list[tuple[str, str]]:
    """(table, INSERT statement), in the order to run them."""
    values = {
        **{table: str(rows) for table, rows in size.items()},
        **{f"draw{stream}": draw(stream) for stream in range(dataset.STREAMS)},
        "ordered": str(size.ordered),
        "first_names": _array(dataset.FIRST_NAMES),
        "last_names": _array(dataset.LAST_NAMES),
        "epoch_s": str(int(dataset.EPOCH.timestamp())),
        "year_s": str(dataset.YEAR_S),
        "note": NOTE,
    }
    text = (FOLDER / "fill.sql").read_text(encoding="utf-8")
    statements = Template(text).substitute(values).split(";\n")
    return list(zip(dataset.TABLES, statements[: len(dataset.TABLES)], strict=True))


def schema() -> tuple[str, str]:
    """`schema.sql` in two parts: the bare tables, and the keys and indexes that follow the rows."""
    tables, _, keys = (FOLDER / "schema.sql").read_text(encoding="utf-8").partition("-- KEYS")
    return tables, keys


def _array(words: tuple[str, ...]) -> str:
    return f"'{{{','.join(words)}}}'::text[]"
