"""A run's tables with types: a Parquet file beside each CSV, and a data package that says what the columns are. Pure.

A CSV has no types, so that a column in which nothing is known is text to one program and a number to another.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from bench.plan import metrics
from bench.plan.metrics import Place

PACKAGE = "datapackage.json"
WHOLE = frozenset(
    {
        "workers", "pool_size", "users", "rounds", "requests", "failures", "unfinished", "missed_arrivals",
        "connections_peak", "idle_in_transaction_peak", "pgbench_connections",
    }
)  # fmt: skip
FIGURES = frozenset(
    {
        *metrics.columns(Place.SUMMARY), *metrics.columns(Place.SWEEPS), "offered_rps", "ratio", "ci_low", "ci_high",
        "no_database_rps", "of_no_database", "pgbench_rps", "of_pgbench", "measured", "value", "knee_at",
    }
)  # fmt: skip
TYPES: Mapping[str, type[pl.DataType]] = {"integer": pl.Int64, "number": pl.Float64, "string": pl.String}


def type_of(column: str) -> str:
    """The type of a column, as a table schema names it (Frictionless Data, Table Schema)."""
    return "integer" if column in WHOLE else "number" if column in FIGURES else "string"


def parquet(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same rows, unrounded, as a Parquet file. What is not known is null."""
    frame = pl.DataFrame(
        {name: _values(name, rows) for name in columns}, schema={name: TYPES[type_of(name)] for name in columns}
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _values(column: str, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    cast = {"integer": int, "number": float, "string": str}[type_of(column)]
    return [None if (value := row.get(column)) is None else cast(value) for row in rows]


def package(run_id: str, tables: Mapping[str, Sequence[str]]) -> str:
    """The data package of a run: each CSV by its name, with the type of every column.

    Source of the format: Frictionless Data, Data Package (specs.frictionlessdata.io).
    """
    resources = [
        {
            "name": name.removesuffix(".csv"),
            "path": name,
            "format": "csv",
            "schema": {
                "fields": [{"name": column, "type": type_of(column)} for column in columns], "missingValues": [""],
            },
        }
        for name, columns in tables.items()
    ]  # fmt: skip
    return json.dumps({"title": run_id, "resources": resources}, indent=2) + "\n"
