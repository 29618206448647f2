"""A service as the suite knows it: what its service.toml says, on one of its drivers."""

import datetime
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from suite.errors import CatalogueError

if TYPE_CHECKING:  # pydantic loads slowly, and `bench --help` does not need it
    from suite.service_file import OwnFact, SettingsForPooler
PORT_OFFSET, MOST_OFFSET = "BENCH_PORT_OFFSET", 50_000
WARNING_MARK = "(!)"
"""Beside the name of a service that is a warning example."""


@dataclass(frozen=True)
class Overhead:
    """The cost of one use of a pooled connection in addition to its data statements, and the reason."""

    round_trips: int
    statements: int
    why: str


@dataclass(frozen=True)
class Pipelined:
    """Operations whose data statements are sent together, and how many round trips all of one call then take."""

    operations: tuple[str, ...]
    round_trips: int
    why: str


@dataclass(frozen=True)
class AfterReads:
    """What a call that executes a statement so often or more costs beyond its reads, and the reason.

    `each_further` are the round trips for each further statement that it executes so often.
    """

    reads: int
    round_trips: int
    statements: int
    transactions: int
    why: str
    each_further: int = 0


@dataclass(frozen=True)
class Own:
    """The value that a library itself causes for a fact of bench/analysis/parity.py, and the reason."""

    value: str
    why: str


@dataclass(frozen=True)
class BehindPooler:
    """What the settings for a pooler change: what one data statement costs, and the library's own facts.

    `overhead` is of every use of a connection, if the settings change that, too.
    """

    round_trips: int = 1
    statements: int = 1
    overhead: Overhead | None = None
    own: Mapping[str, Own] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class PoolClass:
    """A library's pool (`module:class`), and its methods that give out a connection and take it back, for traces.

    The methods are empty for SQLAlchemy's pools, which tell of every use themselves.
    """

    pool: str
    take: str = ""
    give: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.pool, self.take, self.give)))


@dataclass(frozen=True)
class Release:
    """The version of a service's own library that is locked, and when it was released.

    `downloads_rank` is its place among the packages that are downloaded most; None where it is not known.
    """

    library: str
    version: str
    date: datetime.date
    downloads_rank: int | None


@dataclass(frozen=True)
class Service:
    """One folder in `services/`, as its service.toml describes it.

    `driver` is the one below it, of `drivers`, the first of which is its usual one; empty for a service that has no
    choice. `operations` is None for a service that answers the whole contract, but for what is in `without`: what makes
    no sense with its library. `overhead` is by profile. For operations
    that no profile changes, it is by `implicit` and `explicit` (or `lean_implicit` and so on, if the profile still
    matters).
    `extra_statements` has the operations, or their variants (`relations selectin`), for which the library sends more
    than the contract's data statements. `uses`
    has those for which it uses a connection more often (for an operation with a number of reads: each of them does).
    `in_transaction` has those that are explicit transactions in each variant, because nothing else holds a connection.
    `pipelined` and `after_reads` are by profile. `warm_up` is how often a statement must be executed on a connection
    before its cost is constant. `own` is by fact. `behind_pooler` is what the settings for a pooler change. `state` is
    what users should know of the library's upkeep; empty for one that is well kept. `warning` is of a service that
    shows a mistake, and says which; it is measured only by name. `kind` says what the library is (a
    driver, a query builder, an ORM), `follows` which page of its documentation app.py is written like.
    """

    name: str
    title: str
    mode: str
    port: int
    libraries: tuple[str, ...]
    operations: tuple[str, ...] | None
    overhead: Mapping[str, Overhead] = field(hash=False)
    extra_statements: Mapping[str, int] = field(hash=False)
    uses: Mapping[str, int] = field(hash=False)
    own: Mapping[str, Own] = field(hash=False)
    in_transaction: tuple[str, ...] = ()
    pipelined: Mapping[str, Pipelined] = field(default_factory=dict, hash=False)
    warm_up: int = 1
    behind_pooler: BehindPooler = BehindPooler()
    state: str = ""
    kind: str = ""
    follows: str = ""
    driver: str = ""
    drivers: tuple[str, ...] = ()
    release: Release | None = None
    traced_pool: PoolClass | None = None
    after_reads: Mapping[str, AfterReads] = field(default_factory=dict, hash=False)
    without: tuple[str, ...] = ()
    warning: str = ""

    @property
    def caution(self) -> str:
        """What is wrong with a warning example, as a sentence; empty for every other service."""
        return f"{self.name} {WARNING_MARK} is a warning example: {self.warning}" if self.warning else ""

    @property
    def application(self) -> str:
        """The import path for gunicorn and uvicorn."""
        return f"services.{self.name}.app:app"

    @property
    def url(self) -> str:
        """Its URL when the harness starts it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def unusual_driver(self) -> str:
        """Its driver, if that is another one than its usual one."""
        return "" if self.driver in self.drivers[:1] else self.driver

    @property
    def needs_database(self) -> bool:
        """Whether it answers the contract, which needs a database."""
        return self.operations is None

    def answers(self, operations: Iterable[str]) -> bool:
        """Whether it implements all of these operations."""
        asked = set(operations)
        return asked.isdisjoint(self.without) and (self.operations is None or asked <= set(self.operations))


def read(path: Path, driver: str = "") -> Service:
    """The service of a service.toml, on one of its drivers (by default its usual one). Raises CatalogueError."""
    from suite import service_file  # noqa: PLC0415  # see TYPE_CHECKING above

    name = path.parent.name
    described = service_file.read(path)
    service_file.check_application(path.parent)
    driver = driver or next(iter(described.drivers), "")
    described = described.on(driver)
    return Service(
        name=name,
        title=described.title,
        mode=described.mode,
        port=described.port + _port_offset(),
        libraries=tuple(described.libraries),
        operations=None if described.operations is None else tuple(described.operations),
        overhead={use: Overhead(**one.model_dump()) for use, one in described.overhead.items()},
        extra_statements=described.extra_statements,
        uses=described.uses,
        in_transaction=tuple(described.in_transaction),
        pipelined={
            profile: Pipelined(tuple(one.operations), one.round_trips, one.why)
            for profile, one in described.pipelined.items()
        },
        warm_up=described.warm_up,
        own=_own(described.own),
        behind_pooler=_behind_pooler(described.pooler),
        state=described.state,
        warning=described.warning,
        kind=described.kind,
        follows=described.follows,
        driver=driver,
        drivers=tuple(described.drivers),
        without=tuple(described.without),
        after_reads={profile: AfterReads(**one.model_dump()) for profile, one in described.after_reads.items()},
        traced_pool=PoolClass(**described.trace.model_dump()) if described.trace else None,
        release=Release(**described.release.model_dump()) if described.release else None,
    )


def _port_offset() -> int:
    """How far the ports of all services are above those of their service.toml: for a second copy of the suite."""
    given = os.environ.get(PORT_OFFSET, "") or "0"
    if not given.isdecimal() or int(given) > MOST_OFFSET:
        raise CatalogueError(f"{PORT_OFFSET} is {given!r}; it is a whole number from 0 to {MOST_OFFSET}, or empty")
    return int(given)


def _behind_pooler(described: "SettingsForPooler") -> BehindPooler:
    overhead = None if described.overhead is None else Overhead(**described.overhead.model_dump())
    return BehindPooler(described.round_trips, described.statements, overhead, _own(described.own))


def _own(described: "Mapping[str, OwnFact]") -> dict[str, Own]:
    return {fact: Own(**one.model_dump()) for fact, one in described.items()}
