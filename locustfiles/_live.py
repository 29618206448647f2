"""What services and PostgreSQL are doing, asked once a second while somebody looks, as a table of texts."""

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import gevent
import psycopg

from bench import catalogue
from bench.errors import DatabaseError
from db import activity, dsn, server
from db.dsn import Dsn
from locustfiles import _figures
from locustfiles._backends import Owners, by_service
from locustfiles._figures import Figures
from locustfiles._http import Client
from locustfiles._targets import OFFERED, url_of

EVERY_S = 1.0
GONE_S = 5.0  # nobody has asked for so long: the page is closed
TIMEOUT_S = 10.0  # a service that computes or is full lets /metrics wait, too
STALE_S = 3.0
COLUMNS = (
    "service", "CPU", "memory MB", "threads busy", "connections in use", "backends active", "idle",
    "idle in transaction", "other",
)  # fmt: skip
OTHERS = "no service's"
STATES = ("active", "idle", "idle in transaction")
IN_TRANSACTION = {"idle in transaction (aborted)": "idle in transaction"}


@dataclass
class Seen:
    """The last two answers of one service, and why there is no newer one."""

    name: str
    figures: Figures | None = None
    at_s: float = 0.0
    cpu: float | None = None
    problem: str = ""

    def answered(self, figures: Figures, at_s: float) -> None:
        """It said this, at this time (monotonic)."""
        if self.figures is not None:
            self.cpu = _figures.cpu_share(self.figures, figures, at_s - self.at_s)
        self.figures, self.at_s, self.problem = figures, at_s, ""

    def failed(self, problem: str) -> None:
        """It said nothing that can be used."""
        self.figures, self.cpu, self.problem = None, None, problem


@dataclass(frozen=True)
class Database:
    """PostgreSQL's backends by service (empty name: no service's) and state, or why they are not known."""

    backends: Mapping[str, Counter[str]] | None = None
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of texts below COLUMNS, and what a reader has to know besides."""

    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    columns: Sequence[str] = field(default=COLUMNS)


class Live:
    """Asks each service and the database in a greenlet of its own, from the first look until nobody looks any more."""

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._asking: list[gevent.Greenlet] = []
        self._seen = [Seen(name) for name in OFFERED]
        self._database = Database()

    def look(self) -> Table:
        """What is known now. The first call begins to ask, so it knows little."""
        self._looked = time.monotonic()
        self._asking = [one for one in self._asking if not one.dead]
        if not self._asking:
            self._seen = [Seen(name) for name in OFFERED]
            self._asking = [gevent.spawn(self._ask_service, seen) for seen in self._seen]
            self._asking.append(gevent.spawn(self._ask_database))
        return table(self._seen, self._database, time.monotonic())

    def _is_looked_at(self) -> bool:
        return time.monotonic() - self._looked < GONE_S

    def _ask_service(self, seen: Seen) -> None:
        client = Client(url_of(seen.name), timeout_s=TIMEOUT_S)
        while self._is_looked_at():
            begun = time.monotonic()
            answer = client.request("GET", "/metrics")
            client.close()  # no connection of the load's is meant where connections are counted
            if answer.status == 200:
                try:
                    seen.answered(_figures.parse(answer.body.decode()), answer.end_ns / 1e9)
                except ValueError as error:
                    seen.failed(f"/metrics cannot be read: {error}")
            else:
                seen.failed(answer.error or f"/metrics: status {answer.status}")
            gevent.sleep(max(0.1, EVERY_S - (time.monotonic() - begun)))

    def _ask_database(self) -> None:
        owners = Owners()
        while self._is_looked_at():
            try:
                named = dsn.from_environment(os.environ)
                if named is None:
                    self._database = Database(problem="DATABASE_URL is not set where Locust was started")
                    return
                self._follow(named, owners)
            except DatabaseError as error:
                self._database = Database(problem=str(error))
            except psycopg.Error as error:
                self._database = Database(problem=f"PostgreSQL: {type(error).__name__}")
            gevent.sleep(EVERY_S)

    def _follow(self, named: Dsn, owners: Owners) -> None:
        with closing(server.connect(named)) as connection:
            while self._is_looked_at():
                holders = activity.holders(connection)
                known = owners.of(port for port, _ in holders)
                self._database = Database(by_service(holders, known))
                gevent.sleep(EVERY_S)


def table(services: Sequence[Seen], database: Database, now_s: float) -> Table:
    """All services as rows, then PostgreSQL's other backends; what is not known is a question mark, and is noted."""
    backends = database.backends
    rows = [_row(seen, backends) for seen in services]
    notes = [f"{seen.name}: {seen.problem}" for seen in services if seen.problem]
    slow = [seen for seen in services if seen.figures is not None and now_s - seen.at_s > STALE_S]
    notes += [f"{seen.name}: as of {now_s - seen.at_s:.0f} s ago; it has not answered since" for seen in slow]
    if backends is None:
        notes += [f"backends are not known: {database.problem}"] if database.problem else []
    else:
        if "" in backends:
            rows.append((OTHERS, "", "", "", "", *_backends(backends, "")))
        if set(backends) == {""}:
            notes.append("whose backends they are is not known: services of another machine, account or container")
    return Table(rows, notes)


def _row(seen: Seen, backends: Mapping[str, Counter[str]] | None) -> tuple[str, ...]:
    cpu, memory, threads, connections = _process(seen.figures, seen.cpu)
    if not catalogue.service(seen.name).needs_database:
        return (seen.name, cpu, memory, threads, *["-"] * (len(COLUMNS) - 4))
    return (seen.name, cpu, memory, threads, connections, *_backends(backends, seen.name))


def _process(figures: Figures | None, cpu: float | None) -> tuple[str, str, str, str]:
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


def as_json(shown: Table) -> dict[str, Any]:
    """For the page's script."""
    return {"columns": list(shown.columns), "rows": [list(row) for row in shown.rows], "notes": list(shown.notes)}
