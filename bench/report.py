"""Summaries as files and as a table for the terminal. Pure: from stored numbers to text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import catalogue
from bench.analysis import LOCUST_PERCENTILES, SUMMARY_COLUMNS, OperationSummary, Verdict
from bench.intervals import mean_interval
from bench.plan import Cell, Load
from services.contract import OPERATIONS

SUMMARY = (
    "run_id", "scenario", "operation", "service", "profile", "server", "workers", "pool_size", "parameters",
    "arrival", "users", "offered_rps", "rounds", "requests", "failures", "failure_ratio", "throughput_rps",
    "throughput_ci_low", "throughput_ci_high", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms",
    "latency_p95_ms", "latency_p99_ms", "latency_p999_ms", "latency_max_ms", "missed_arrivals",
    "service_cpu_ms_per_request", "database_cpu_ms_per_request", "load_cpu_ms_per_request", "service_rss_peak_mb",
    "statements_per_request", "round_trips_per_request", "transactions_per_request", "connections_peak",
    "idle_in_transaction_peak", "bound_by", "verdict", "reasons",
)  # fmt: skip

LOCUST_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
)  # fmt: skip


@dataclass(frozen=True)
class CellResult:
    """A cell with what all its measurements so far amount to. `operations` begins with `all`."""

    cell: Cell
    rounds: int
    operations: tuple[OperationSummary, ...]
    verdict: Verdict
    errors: tuple[tuple[str, int], ...]
    missed: int = 0
    reconnects: int = 0

    @property
    def total(self) -> OperationSummary:
        """All operations together."""
        return self.operations[0]


def summary_rows(run_id: str, load: Load, results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of summary.csv: one a cell and operation. What is not known is None."""
    return [_summary_row(run_id, load, result, operation) for result in results for operation in result.operations]


def _summary_row(run_id: str, load: Load, result: CellResult, operation: OperationSummary) -> dict[str, Any]:
    cell, setup = result.cell, result.cell.setup
    interval = mean_interval(operation.round_rps) or (None, None)
    own = [("pool_overflow", setup.pool_overflow), ("pool_timeout_s", setup.pool_timeout_s), ("threads", setup.threads)]
    return {
        "run_id": run_id,
        "scenario": cell.scenario,
        "service": cell.service,
        "profile": setup.profile,
        "server": setup.server,
        "workers": setup.workers,
        "pool_size": setup.pool_size,
        "parameters": ";".join(f"{name}={value}" for name, value in (*own, *cell.parameters)),
        "arrival": load.arrival,
        "users": cell.users,
        "offered_rps": load.rate if load.arrival == "open" else None,
        "rounds": result.rounds,
        "throughput_ci_low": interval[0],
        "throughput_ci_high": interval[1],
        "missed_arrivals": result.missed if load.arrival != "closed" and operation.operation == "all" else None,
        "verdict": result.verdict.name,
        "reasons": "; ".join(result.verdict.reasons),
        **{name: getattr(operation, name) for name in SUMMARY_COLUMNS},
    }


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


def ranking(results: Sequence[CellResult], scenario: str) -> RenderableType:
    """One scenario's cells, the highest throughput first; below a line, what is not ranked and what went wrong."""
    mine = [result for result in results if result.cell.scenario == scenario]
    ranked = sorted((one for one in mine if one.verdict.ranks and not one.cell.once), key=_throughput, reverse=True)
    others = [one for one in mine if one not in ranked]
    best = _throughput(ranked[0]) if ranked else 0.0
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("service", no_wrap=True)
    for heading in ("requests/s", "95% CI", "of best", "p50 ms", "p95 ms", "p99 ms", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for result in ranked:
        table.add_row(*_table_row(result, best))
    if ranked and others:
        table.add_section()
    for result in others:
        table.add_row(*_table_row(result, best if result.verdict.ranks else 0.0), style="dim")
    title = Text.assemble((scenario, "bold"), " - ", catalogue.scenario(scenario).summary)
    notes = [Text(f"{one.cell.slug}: {reason}", style="red") for one in mine for reason in one.verdict.reasons]
    notes += [
        Text(f"{one.cell.slug}: {count} x {error}", style="red") for one in mine for error, count in one.errors[:3]
    ]
    missed = [one for one in mine if one.missed]
    notes += [Text(f"{one.cell.slug}: {one.missed:,} arrivals were due and never sent", style="red") for one in missed]
    notes += [
        Text(f"{one.cell.slug}: {one.reconnects:,} connections that the service had closed were opened again")
        for one in mine
        if one.reconnects
    ]
    if any(one.cell.once for one in mine):
        notes.append(Text("below the line: measured once, as a landmark, not ranked", style="dim"))
    return Group(title, table, *notes)


def _table_row(result: CellResult, best: float) -> list[str]:
    total = result.total
    interval = mean_interval(total.round_rps)
    return [
        result.cell.slug,
        _number(total.throughput_rps, ",.0f"),
        f"\N{PLUS-MINUS SIGN}{(interval[1] / interval[0]) ** 0.5 - 1:.1%}" if interval else "",
        f"{_throughput(result) / best:.0%}" if best else "",
        *(_number(getattr(total, f"latency_{name}_ms"), ",.1f") for name in ("p50", "p95", "p99")),
        f"{total.failures:,}",
        result.verdict.name,
    ]


def _throughput(result: CellResult) -> float:
    return result.total.throughput_rps or 0.0


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as `a.b.c` keys, for comparing."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
