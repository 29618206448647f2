"""A cell and operation as a row of summary.csv."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.outcome import CellResult
from bench.analysis.summary import SUMMARY_COLUMNS, OperationSummary
from bench.plan.costs import expected
from bench.plan.model import Load
from services.contract.operations import OPERATIONS
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
            expected(service, cell.setup.profile, one.operation, _variant(one.operation, own), reads),
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
