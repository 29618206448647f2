"""Rows of the CSVs that a run leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import polars as pl

from bench.analysis import ceilings, pairs
from bench.analysis.outcome import Ceilings, CellResult
from bench.analysis.pairs import Pair
from bench.analysis.summary import LOCUST_PERCENTILES, SUMMARY_COLUMNS, OperationSummary
from bench.plan import costs as costs_module
from bench.plan.model import Load
from services.contract import OPERATIONS
from suite import catalogue

SUMMARY = (
    "run_id", "scenario", "operation", "service", "profile", "server", "workers", "pool_size", "parameters",
    "arrival", "users", "offered_rps", "rounds", "requests", "failures", "failure_ratio", "throughput_rps",
    "throughput_ci_low", "throughput_ci_high", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms",
    "latency_p95_ms", "latency_p99_ms", "latency_p999_ms", "latency_max_ms", "missed_arrivals",
    "service_cpu_ms_per_request", "database_cpu_ms_per_request", "load_cpu_ms_per_request", "service_rss_peak_mb",
    "statements_per_request", "round_trips_per_request", "transactions_per_request", "connections_peak",
    "idle_in_transaction_peak", "bound_by", "verdict", "reasons",
)  # fmt: skip
READ_MANY = 20  # the scenario's own default
COMPARISON = tuple(field.name for field in fields(Pair))
CEILINGS = (
    "scenario", "service", "throughput_rps", "no_database_rps", "of_no_database", "pgbench_connections", "pgbench_rps",
    "of_pgbench",
)  # fmt: skip
LOCUST_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
)  # fmt: skip


def summary_rows(run_id: str, load: Load, results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of summary.csv: one a cell and operation. What is not known is None."""
    return [_summary_row(run_id, load, result, operation) for result in results for operation in result.operations]


def _summary_row(run_id: str, load: Load, result: CellResult, operation: OperationSummary) -> dict[str, Any]:
    cell, setup = result.cell, result.cell.setup
    interval = operation.throughput_interval or (None, None)
    more = [
        ("database_rtt_ms", setup.database_rtt_ms),
        ("external_delay_s", setup.external_delay_s if cell.calls_external else None),
        ("arm", setup.arm or None),
    ]
    arm = [(name, value) for name, value in more if value is not None]
    own = [("pool_overflow", setup.pool_overflow), ("pool_timeout_s", setup.pool_timeout_s), ("threads", setup.threads)]
    if setup.url:  # how it runs is not known
        own, arm = [], [("arm", setup.arm)] if setup.arm else []
    return {
        "run_id": run_id,
        "scenario": cell.scenario,
        "service": cell.service,
        **{name: setup.axes.get(name) for name in ("profile", "server", "workers", "pool_size")},
        "parameters": ";".join(f"{name}={value}" for name, value in (*own, *arm, *cell.parameters)),
        "arrival": load.arrival,
        "users": cell.users,
        "offered_rps": load.rate if load.arrival == "open" else None,
        "rounds": result.rounds,
        "throughput_ci_low": interval[0],
        "throughput_ci_high": interval[1],
        "missed_arrivals": result.missed if load.arrival != "closed" and operation.operation == "all" else None,
        "bound_by": result.bound.by or None,
        **_costs(result, operation),
        "verdict": result.verdict.name,
        "reasons": "; ".join((*result.verdict.reasons, *result.remarks, *_bounded(result))),
        **{name: getattr(operation, name) for name in SUMMARY_COLUMNS},
    }


def _costs(result: CellResult, operation: OperationSummary) -> dict[str, float | None]:
    """What the gate has verified: round trips and statements of a request; of `all`, on average over its requests."""
    cell, parts = result.cell, result.operations[1:] if operation.operation == "all" else (operation,)
    requests = sum(one.requests for one in parts)
    if not result.counted or not requests or cell.setup.url:
        return {}
    service = catalogue.service(cell.service)
    own = dict(cell.parameters)
    reads = int(own.get("count", READ_MANY))
    costs = [
        (
            one.requests,
            costs_module.expected(service, cell.setup.profile, one.operation, _variant(one.operation, own), reads),
        )
        for one in parts
    ]
    return {
        "round_trips_per_request": sum(number * cost.round_trips for number, cost in costs) / requests,
        "statements_per_request": sum(number * (cost.statements or 0) for number, cost in costs) / requests,
    }


def _variant(operation: str, parameters: Mapping[str, Any]) -> str | None:
    """Which variant of an operation a scenario with these parameters asks for; its own default is the first one."""
    known = OPERATIONS[operation]
    return str(parameters.get(known.varies or "", next(iter(known.variants)))) if known.variants else None


def _bounded(result: CellResult) -> tuple[str, ...]:
    return (f"bound by {result.bound.by}: {result.bound.evidence}",) if result.bound.by else ()


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
