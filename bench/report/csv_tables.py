"""Rows of the CSVs that a run leaves, but for summary.csv."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import polars as pl

from bench.analysis import ceilings, pairs
from bench.analysis.outcome import Ceilings, CellResult
from bench.analysis.pairs import Pair
from services.contract import OPERATIONS

COMPARISON = tuple(field.name for field in fields(Pair))
CEILINGS = (
    "scenario", "service", "throughput_rps", "no_database_rps", "of_no_database", "pgbench_connections", "pgbench_rps",
    "of_pgbench",
)  # fmt: skip
LOCUST_PERCENTILES = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)
LOCUST_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
)  # fmt: skip


def locust_rows(samples: pl.DataFrame, length_s: float) -> list[dict[str, Any]]:
    """Rows of a `_stats.csv` in Locust's layout, from exact samples: one an operation, then Aggregated.

    As in Locust's own, times (ms) and percentiles are over all requests, failed ones included.
    """
    names = sorted(samples["operation"].unique())
    parts = [(_method(name), name, samples.filter(pl.col("operation") == name)) for name in names]
    return [_locust_row(*part, length_s) for part in (*parts, ("", "Aggregated", samples))]


def _method(operation: str) -> str:
    return OPERATIONS[operation].method if operation in OPERATIONS else "GET"


def _locust_row(method: str, name: str, frame: pl.DataFrame, length_s: float) -> dict[str, Any]:
    times_ms = frame["latency_ns"].sort() / 1e6
    count, failures = len(frame), int((~frame["ok"]).sum())
    if not count:
        return dict(zip(LOCUST_COLUMNS, [method, name, 0, 0], strict=False))
    # Every percentile that Locust's layout has a column for, exact or not: rank rounded up, without a minimum.
    ranks = [times_ms[max(0, -int(-share * count // 1) - 1)] for share in LOCUST_PERCENTILES]
    figures = [times_ms.median(), times_ms.mean(), times_ms.min(), times_ms.max(), frame["body_bytes"].mean()]
    return dict(
        zip(
            LOCUST_COLUMNS,
            [method, name, count, failures, *figures, count / length_s, failures / length_s, *ranks],
            strict=True,
        )
    )


def comparison_rows(results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of comparison.csv."""
    return [asdict(pair) for pair in pairs.compare(results)]


def ceiling_rows(results: Sequence[CellResult], known: Ceilings) -> list[dict[str, Any]]:
    """Rows of ceilings.csv: each cell's throughput beside those of the same load without a database, and of pgbench."""
    rows = []
    for one in results:
        scenario, setup = one.cell.scenario, one.cell.setup
        landmark = next((other for other in results if other.cell.once and other.cell.scenario == scenario), None)
        http_rps = throughput_of(landmark) if landmark and landmark is not one else 0.0
        sql_rps = known.pgbench_rps.get(ceilings.of(one.cell), 0.0)
        mine = throughput_of(one)
        rows.append(
            {
                "scenario": scenario,
                "service": one.cell.slug,
                "throughput_rps": mine or None,
                "no_database_rps": http_rps or None,
                "of_no_database": mine / http_rps if http_rps else None,
                "pgbench_connections": setup.connections if sql_rps else None,
                "pgbench_rps": sql_rps or None,
                "of_pgbench": mine / sql_rps if sql_rps else None,
            }
        )
    return rows


def throughput_of(result: CellResult) -> float:
    """Of all operations together; 0 where it is not known."""
    return result.total.throughput_rps or 0.0
