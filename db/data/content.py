"""The dataset's schema, and the rules for its rows that SQL needs."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
NOTE = "'Note ' || id || ': ' || repeat(md5(id::text), 4)"
"""The text of note `id`, as an SQL expression. `db.data.rows` has the same rule."""


@dataclass(frozen=True)
class SchemaStatement:
    """One statement of `schema.sql`, with its table and the name of what it creates."""

    table: str
    name: str
    text: str


@dataclass(frozen=True)
class Schema:
    """The parts of `schema.sql`: the tables, and the statements that follow once they are filled."""

    tables: str
    keys: tuple[SchemaStatement, ...]
    indexes: tuple[SchemaStatement, ...]
    foreign_keys: tuple[SchemaStatement, ...]


def schema() -> Schema:
    """Read `schema.sql`."""
    text = (FOLDER / "schema.sql").read_text(encoding="utf-8")
    tables, keys, indexes, foreign_keys = re.split(r"^-- (?:KEYS|INDEXES|FOREIGN KEYS)$", text, flags=re.MULTILINE)
    return Schema(tables, _statements(keys), _statements(indexes), _statements(foreign_keys))


def _statements(text: str) -> tuple[SchemaStatement, ...]:
    table, name = r"(?P<table>\w+)", r"(?P<name>\w+)"
    kinds = (rf"^ALTER TABLE {table} ADD CONSTRAINT {name} [^;]*;$", rf"^CREATE INDEX {name} ON {table} [^;]*;$")
    found = [match for kind in kinds for match in re.finditer(kind, text, flags=re.MULTILINE)]
    return tuple(SchemaStatement(match["table"], match["name"], match[0]) for match in found)
