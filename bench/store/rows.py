"""A cell and operation as a row of summary.csv."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.outcome import CellResult
from bench.analysis.summary import OperationSummary
from bench.plan import metrics
from bench.plan.matrix import NO_POOLER, PYTHONS_OWN
from bench.plan.metrics import Place
from bench.plan.model import Load, Scalar
from bench.plan.servers import UVLOOP
from suite import catalogue
from suite.arrival import Arrival

METRICS = metrics.in_(Place.SUMMARY)
SUMMARY = (
    "run_id", "scenario", "operation", "service", "profile", "server", "workers", "pool_size", "parameters",
    "arrival", "users", "offered_rps", "rounds", *metrics.columns(Place.SUMMARY), "bound_by", "verdict", "reasons",
    "slug", "started_at", "commit",
)  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """Which run a row is of, when it started (UTC, ISO 8601), and the commit that measured it. Empty: not known."""

    run_id: str
    started_at: str = ""
    commit: str = ""


def summary_rows(origin: Origin, load: Load, results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of summary.csv: one a cell and operation. Unknown values are None."""
    return [_summary_row(origin, load, result, operation) for result in results for operation in result.operations]


def _summary_row(origin: Origin, load: Load, result: CellResult, operation: OperationSummary) -> dict[str, Any]:
    cell, setup = result.cell, result.cell.setup
    more: list[tuple[str, Scalar | None]] = [
        ("driver", None if setup.url else setup.described.unusual_driver or None),
        ("loop", setup.loop if setup.loop != UVLOOP else None),
        ("gc", setup.gc if setup.gc != PYTHONS_OWN else None),  # so that rows of older runs are equal ones
        ("pooler", setup.pooler if setup.pooler != NO_POOLER else None),
        ("database_rtt_ms", setup.database_rtt_ms),
        ("external_delay_s", setup.external_delay_s if cell.calls_external else None),
        ("arm", setup.arm or None),
    ]
    arm = [(name, value) for name, value in more if value is not None]
    own = [("pool_overflow", setup.pool_overflow), ("pool_timeout_s", setup.pool_timeout_s), ("threads", setup.threads)]
    if setup.url:  # how it runs is not known
        own, arm = [], [("arm", setup.arm)] if setup.arm else []
    figures = operation.columns(METRICS)
    if load.arrival == Arrival.CLOSED:
        figures["missed_arrivals"] = None  # nothing was due
    return {
        "run_id": origin.run_id,
        "scenario": cell.scenario,
        "operation": operation.operation,
        "service": cell.service,
        **{name: setup.axes.get(name) for name in ("profile", "server", "workers", "pool_size")},
        "parameters": ";".join(f"{name}={value}" for name, value in (*own, *arm, *cell.parameters)),
        "arrival": load.arrival,
        "users": cell.users,
        "offered_rps": load.rate if load.arrival == Arrival.OPEN else None,
        "rounds": result.rounds,
        **figures,
        "bound_by": result.bound.by or None,
        "verdict": result.verdict.name,
        "reasons": "; ".join(map(str, _reasons(result))),
        "slug": cell.slug,
        "started_at": origin.started_at or None,
        "commit": origin.commit or None,
    }


def _reasons(result: CellResult) -> Iterator[object]:
    """What a reader must know of the cell: a warning example first."""
    yield from catalogue.cautions([result.cell.service])
    yield from (*result.verdict.reasons, *result.remarks, *_bounded(result))


def _bounded(result: CellResult) -> tuple[str, ...]:
    return (f"bound by {result.bound.by}: {result.bound.evidence}",) if result.bound.by else ()
