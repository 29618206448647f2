"""The catalogue of services, scenarios and plans, found in their folders."""

import datetime
import importlib.metadata
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from suite.errors import CatalogueError, UsageError
from suite.lookup import known

if TYPE_CHECKING:  # pydantic loads slowly, and `bench --help` does not need it
    from suite.scenario_file import Parameter
    from suite.service_file import OwnFact, SettingsForPooler
CHECKOUT = Path(__file__).resolve().parent.parent
SERVICES = CHECKOUT / "services"
SCENARIOS = CHECKOUT / "locustfiles"
PLANS = CHECKOUT / "bench" / "plans"


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
    choice. `operations` is None for a service that answers the whole contract. `overhead` is by profile. For operations
    that no profile changes, it is by `implicit` and `explicit` (or `lean_implicit` and so on, if the profile still
    matters).
    `extra_statements` has the operations for which the library sends more than the contract's data statements. `uses`
    has those for which it uses a connection more often (for an operation with a number of reads: each of them does).
    `in_transaction` has those that are explicit transactions in each variant, because nothing else holds a connection.
    `pipelined` is by profile. `warm_up` is how often a statement must be executed on a connection before its cost is
    constant. `own` is by fact. `behind_pooler` is what the settings for a pooler change. `state` is what users should
    know of the library's upkeep; empty for one that is well kept. `kind` says what the library is (a driver, a query
    builder, an ORM), `follows` which page of its documentation app.py is written like.
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
        """Whether it answers the whole contract, which needs a database."""
        return self.operations is None

    def answers(self, operations: Iterable[str]) -> bool:
        """Whether it implements all of these operations."""
        return self.operations is None or set(operations) <= set(self.operations)


@dataclass(frozen=True)
class Scenario:
    """One file in `locustfiles/` or elsewhere: the behaviour of a simulated user. `user` is the name of its class.

    `parameters` has the scenario's own parameters, by name. `elsewhere` is the file, if it is not in `locustfiles/`.
    """

    name: str
    summary: str
    operations: tuple[str, ...]
    user: str
    parameters: "Mapping[str, Parameter]" = field(default_factory=dict, hash=False)
    elsewhere: Path | None = None

    @property
    def path(self) -> Path:
        """The locustfile."""
        return self.elsewhere or SCENARIOS / f"{self.name}.py"

    @property
    def program(self) -> str:
        """The module that runs Locust with it: `python -m`."""
        return "locustfiles._locust" if self.elsewhere else "locust"


EXTERNAL = "external_api"
PORT_OFFSET, MOST_OFFSET = "BENCH_PORT_OFFSET", 50_000
LOCKS = {"requirements.lock": "make setup", "requirements.extras.lock": "make setup EXTRAS=all"}
NO_SCENARIOS: Mapping[str, Scenario] = MappingProxyType({})


@cache
def services() -> Mapping[str, Service]:
    """Every service that can be measured, by name, in the order of their ports. Raises CatalogueError."""
    found = sorted(map(_read_service, sorted(SERVICES.glob("*/service.toml"))), key=lambda service: service.port)
    for one, other in pairwise(found):
        if one.port == other.port:
            raise CatalogueError(
                f"services/{other.name}/service.toml: port: {other.port} is also the port of services/{one.name}; use"
                f" a free one, such as {_free({service.port for service in found})}"
            )
    return {service.name: service for service in found if service.name != EXTERNAL}


@cache
def external() -> Service:
    """The external API that services call. It does not implement the contract. Raises CatalogueError."""
    return _read_service(SERVICES / EXTERNAL / "service.toml")


@cache
def scenarios() -> Mapping[str, Scenario]:
    """Every scenario by name. Raises CatalogueError."""
    paths = sorted(path for path in SCENARIOS.glob("*.py") if not path.name.startswith("_"))
    found = {path.stem: _read_scenario(path, f"locustfiles/{path.name}") for path in paths}
    declared: dict[str, Scenario] = {}
    for one in found.values():
        for name, parameter in one.parameters.items():
            first = declared.setdefault(name, one)
            if first.parameters[name] != parameter:
                raise CatalogueError(
                    f"locustfiles/{one.name}.py: PARAMETERS.{name}: locustfiles/{first.name}.py declares it"
                    " differently, and the web UI has one field for each name; choose another name"
                )
    return found


@cache
def plans() -> Mapping[str, Path]:
    """Every plan that comes with the suite, by name."""
    return {path.stem: path for path in sorted(PLANS.glob("*.toml"))}


def service(name: str, driver: str = "") -> Service:
    """The service of this name, on one of its drivers (by default its usual one).

    Raises UsageError that names the nearest one.
    """
    usual = known("service", name, services())
    if driver in {"", usual.driver}:
        return usual
    if driver not in usual.drivers:
        there = f"there are: {', '.join(usual.drivers)}" if usual.drivers else "its driver cannot be chosen"
        raise UsageError(f"{name} does not run on the driver {driver!r}; {there}")
    return _on_driver(name, driver)


@cache
def _on_driver(name: str, driver: str) -> Service:
    return _read_service(SERVICES / name / "service.toml", driver)


def scenario(name: str, outside: Mapping[str, Scenario] = NO_SCENARIOS) -> Scenario:
    """The scenario of this name, of the tree or from `outside`. Raises UsageError that names the nearest one."""
    return known("scenario", name, {**scenarios(), **outside})


def scenario_elsewhere(path: Path, shown: str) -> Scenario:
    """The scenario of a file that is not in `locustfiles/`. Raises CatalogueError that names the file as `shown`."""
    return replace(_read_scenario(path, shown), elsewhere=path)


def missing(libraries: Iterable[str]) -> list[str]:
    """Those of these libraries that are not installed."""
    return [one for one in libraries if not _is_installed(one)]


def how_to_install(library: str) -> str:
    """What brings a library that is not installed."""
    for lock, command in LOCKS.items():
        if (CHECKOUT / lock).is_file() and f"\n{library}==" in f"\n{(CHECKOUT / lock).read_text(encoding='utf-8')}":
            return command
    return "write it into an extra of pyproject.toml, then: make lock && make setup EXTRAS=all"


def _is_installed(library: str) -> bool:
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def free_port() -> int:
    """A port that no service of the checkout has."""
    return _free({one.port for one in (*services().values(), external())})


def _free(taken: set[int]) -> int:
    return next(port for port in range(8001, 65536) if port not in taken)


def _read_service(path: Path, driver: str = "") -> Service:
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
        kind=described.kind,
        follows=described.follows,
        driver=driver,
        drivers=tuple(described.drivers),
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


def _read_scenario(path: Path, shown: str) -> Scenario:
    from suite import scenario_file  # noqa: PLC0415  # see TYPE_CHECKING above

    found = scenario_file.read(path, shown)
    return Scenario(path.stem, found.summary, found.operations, found.user, found.parameters)
