"""A run's tables with types."""

import io
import json

import polars as pl
import pytest

from bench.plan.model import Load
from bench.report import csv_tables, typed
from bench.store.rows import SUMMARY, Origin, summary_rows
from tests.unit.analysis.outcome_of import outcome

EVERY = {
    "summary": SUMMARY, "comparison": csv_tables.COMPARISON, "ceilings": csv_tables.CEILINGS,
    "claims": csv_tables.CLAIMS, "sweeps": csv_tables.SWEEPS,
}  # fmt: skip
TEXT = {
    "run_id", "scenario", "operation", "service", "profile", "server", "parameters", "arrival", "bound_by", "verdict",
    "reasons", "slug", "started_at", "commit", "metric", "baseline", "candidate", "conclusion", "why", "family", "id",
    "source", "claim", "expected", "ruling", "curve", "axis", "is_knee",
}  # fmt: skip


@pytest.mark.parametrize("table", EVERY)
def test_every_column_that_is_no_text_is_a_number(table: str) -> None:
    """A new column of text is to be named here."""
    assert {column for column in EVERY[table] if typed.type_of(column) == "string"} <= TEXT
    assert {column for column in EVERY[table] if typed.type_of(column) != "string"} & TEXT == set()


def test_tables_of_two_runs_fit_together_whatever_is_not_known() -> None:
    """A column without a figure has the type of one with figures; figures are unrounded."""
    rows = summary_rows(Origin("one"), Load(), outcome().ordered())
    empty = [row | {"throughput_rps": None, "users": None} for row in rows]
    first, second = (pl.read_parquet(io.BytesIO(typed.parquet(SUMMARY, some))) for some in (rows, empty))
    both = pl.concat([first, second])
    assert both.schema["throughput_rps"] == pl.Float64
    assert both.schema["users"] == pl.Int64
    assert both["throughput_rps"].to_list()[: len(rows)] == [row["throughput_rps"] for row in rows]
    assert both["throughput_rps"].null_count() == len(rows) + sum(row["throughput_rps"] is None for row in rows)


def test_the_package_names_every_column_with_its_type() -> None:
    """In the order of the CSV."""
    [resource] = json.loads(typed.package("one", {"claims.csv": csv_tables.CLAIMS}))["resources"]
    assert (resource["name"], resource["path"], resource["schema"]["missingValues"]) == ("claims", "claims.csv", [""])
    assert [field["name"] for field in resource["schema"]["fields"]] == list(csv_tables.CLAIMS)
    assert {"name": "measured", "type": "number"} in resource["schema"]["fields"]
