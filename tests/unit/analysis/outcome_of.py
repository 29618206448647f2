"""An outcome of made-up measurements: two ranked services, an INVALID one and a landmark."""

import polars as pl

from bench.analysis import ceilings
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Ceilings, Outcome
from bench.plan.matrix import Cell, default_setup
from tests.unit.evidence_of import evidence
from tests.unit.samples_of import in_window


def cell(service: str, *, once: bool = False) -> Cell:
    return Cell(service, "point_read", default_setup(service), 2, (), once)


def measured(count: int, *, failed: int = 0, users: int = 2) -> Measurement:
    frame = pl.DataFrame(
        {
            "operation": ["read_user"] * count,
            "error": ["wrong body"] * failed + [""] * (count - failed),
            "body_bytes": [100] * count,
            "latency_ns": [(1 + number % 100) * 1_000_000 for number in range(count)],
            "service_time_ns": [1_000_000] * count,
            "ok": [False] * failed + [True] * (count - failed),
        }
    )
    return Measurement(in_window(frame), evidence(requests=count, failures=failed, users=users))


def outcome() -> Outcome:
    made = Outcome()
    for first, second, service in ((10_000, 10_200, "psycopg2_sync"), (20_000, 20_400, "asyncpg_async")):
        made.add(cell(service), measured(first))
        made.add(cell(service), measured(second))
    made.add(cell("databases_async"), measured(1000, failed=500))
    made.add(cell("no_database", once=True), measured(50_000))
    alone = ceilings.of(cell("asyncpg_async"))
    assert alone is not None
    made.ceilings = Ceilings({alone: 20_200.0})
    return made
