"""The current state of services and PostgreSQL, as a table of texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from locustfiles import _figures
from locustfiles._figures import ServiceFigures
from suite import catalogue

STALE_S = 3.0
COLUMNS = (
    "service", "CPU", "memory MB", "threads busy", "connections in use", "backends active",
    "backends idle", "idle in transaction", "other state",
)  # fmt: skip
OTHERS = "no service's"
STATES = ("active", "idle", "idle in transaction")
IN_TRANSACTION = {"idle in transaction (aborted)": "idle in transaction"}


@dataclass
class ServiceAnswers:
    """The last answers of one service, or why there is none."""

    name: str
    figures: ServiceFigures | None = None
    at_s: float = 0.0
    cpu: float | None = None
    problem: str = ""

    def answered(self, figures: ServiceFigures, at_s: float) -> None:
        """Keep an answer with its time (monotonic)."""
        if self.figures is not None:
            self.cpu = _figures.cpu_share(self.figures, figures, at_s - self.at_s)
        self.figures, self.at_s, self.problem = figures, at_s, ""

    def failed(self, problem: str) -> None:
        """Keep why there is no usable answer."""
        self.figures, self.cpu, self.problem = None, None, problem


@dataclass(frozen=True)
class BackendCounts:
    """PostgreSQL's backends by service (empty name: no service) and state, or why they are unknown."""

    backends: Mapping[str, Counter[str]] | None = None
    problem: str = ""


@dataclass(frozen=True)
class LiveTable:
    """Rows of texts below COLUMNS, and notes for the reader."""

    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    columns: Sequence[str] = field(default=COLUMNS)


def table(services: Sequence[ServiceAnswers], database: BackendCounts, now_s: float) -> LiveTable:
    """All services as rows, then PostgreSQL's other backends. Unknown values are question marks, and have a note."""
    backends = database.backends
    rows = [_row(seen, backends) for seen in services]
    notes = catalogue.cautions(seen.name for seen in services)
    notes += [f"{seen.name}: {seen.problem}" for seen in services if seen.problem]
    slow = [seen for seen in services if seen.figures is not None and now_s - seen.at_s > STALE_S]
    notes += [f"{seen.name}: as of {now_s - seen.at_s:.0f} s ago; no answer since" for seen in slow]
    if backends is None:
        notes += [f"backends are unknown: {database.problem}"] if database.problem else []
    else:
        if "" in backends:
            rows.append((OTHERS, "", "", "", "", *_backends(backends, "")))
        if set(backends) == {""}:
            notes.append(
                "some backends cannot be assigned to a service: it runs on another machine, account or container"
            )
    return LiveTable(rows, notes)


def _row(seen: ServiceAnswers, backends: Mapping[str, Counter[str]] | None) -> tuple[str, ...]:
    cpu, memory, threads, connections = _process(seen.figures, seen.cpu)
    name = catalogue.marked(seen.name)
    if not catalogue.service(seen.name).needs_database:
        return (name, cpu, memory, threads, *["-"] * (len(COLUMNS) - 4))
    return (name, cpu, memory, threads, connections, *_backends(backends, seen.name))


def _process(figures: ServiceFigures | None, cpu: float | None) -> tuple[str, str, str, str]:
    if figures is None:
        return "?", "?", "?", "?"
    memory = figures.memory_bytes
    used = None if figures.pool is None or figures.pool_idle is None else figures.pool - figures.pool_idle
    return (
        "?" if cpu is None else f"{cpu:.0%}",
        "?" if memory is None else f"{memory / 1e6:.0f}",
        _of(figures.threads_busy, figures.threads),
        _of(used, figures.pool),
    )


def _of(part: float | None, whole: float | None) -> str:
    return "?" if part is None or whole is None else f"{part:.0f} of {whole:.0f}"


def _backends(backends: Mapping[str, Counter[str]] | None, name: str) -> tuple[str, ...]:
    if backends is None:
        return "?", "?", "?", "?"
    states: Counter[str] = Counter()
    for state, number in backends.get(name, Counter[str]()).items():
        known = IN_TRANSACTION.get(state, state)
        states[known if known in STATES else "other"] += number
    return tuple(str(states[state]) for state in (*STATES, "other"))


def as_json(shown: LiveTable) -> dict[str, Any]:
    """The table for the script of the page."""
    return {"columns": list(shown.columns), "rows": [list(row) for row in shown.rows], "notes": list(shown.notes)}
