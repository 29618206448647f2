"""A comparison of two runs with everything that a view of it must show."""

from bench.compare import changes, documents
from bench.compare.cells import OperationFigures
from bench.compare.documents import Document
from bench.plan import metrics
from bench.plan.metrics import Place
from bench.plan.note import Kind, Note

HOSTILE = "</script><img src=x onerror=alert(1)> | *b* [l](http://x) @me `c`\x1b[2J\nx"
KEYS = ("idiomatic", "gunicorn", "1", "10", "threads=40", "closed", "1000")


def figures(
    service: str, rates: tuple[float, ...], latencies: tuple[float, ...], verdict: str = "VALID"
) -> OperationFigures:
    rounds: dict[str, tuple[float | None, ...]] = {name: (None,) * len(rates) for name in metrics.names(Place.COMPARE)}
    rounds |= {"throughput_rps": rates, "latency_p99_ms": latencies}
    return OperationFigures(("point_read", service, *KEYS), "all", verdict, {}, rounds, len(rates))


def document(service: str = "asyncpg_async", name: str = "after_1") -> Document:
    old = [figures(service, (4000, 4100, 3950), (20, 21, 20)), figures("psycopg2_sync", (2000, 2010), (30, 31))]
    new = [
        figures(service, (3000, 3050, 2990), (20.5, 21, 20.2)),
        figures("psycopg2_sync", (2000, 2030), (30, 31), "INVALID"),
    ]
    return documents.of_runs(
        ("before", name),
        changes.compare(old, new),
        obstacles=["database.scale: 0.01 -> 0.1"],
        remarks=[Note("", Kind.UNFINISHED, f"the partial run {name}")],
        lost=["vanished: databases_async: VALID in the old run, not in the new one"],
        alone=["only in the old run: databases_async"],
        causes={"library versions": ["asyncpg: 0.31.0 -> 0.32.0"]},
    )
