"""The catalogue of services, scenarios and plans, found in their folders."""

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from suite import service as of_file
from suite.errors import CatalogueError, UsageError
from suite.lookup import known
from suite.service import WARNING_MARK, Service

if TYPE_CHECKING:  # pydantic loads slowly, and `bench --help` does not need it
    from suite.scenario_file import Parameter
CHECKOUT = Path(__file__).resolve().parent.parent
SERVICES = CHECKOUT / "services"
SCENARIOS = CHECKOUT / "locustfiles"
PLANS = CHECKOUT / "bench" / "plans"


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
ALL = "all"
"""In place of the names of services."""
LOCKS = {"requirements.lock": "make setup", "requirements.extras.lock": "make setup EXTRAS=all"}
NO_SCENARIOS: Mapping[str, Scenario] = MappingProxyType({})


@cache
def services() -> Mapping[str, Service]:
    """Every service that can be measured, by name, in the order of their ports. Raises CatalogueError."""
    found = sorted(map(of_file.read, sorted(SERVICES.glob("*/service.toml"))), key=lambda service: service.port)
    for one, other in pairwise(found):
        if one.port == other.port:
            raise CatalogueError(
                f"services/{other.name}/service.toml: port: {other.port} is also the port of services/{one.name}; use"
                f" a free one, such as {_free({service.port for service in found})}"
            )
    return {service.name: service for service in found if service.name != EXTERNAL}


def usual() -> Mapping[str, Service]:
    """What ALL stands for: all services but the warning examples, which are used only by name."""
    return {name: one for name, one in services().items() if not one.warning}


def marked(name: str) -> str:
    """The name of a service, a cell or a curve as a reader sees it: with a mark if its service is a warning example.

    The name of a cell or curve begins with its service's. Files for other programs have names without marks.
    """
    own = services().get(name.partition(",")[0].partition("-")[0])
    return f"{name} {WARNING_MARK}" if own is not None and own.warning else name


def cautions(names: Iterable[str]) -> list[str]:
    """What is wrong with those of these services that are warning examples, a sentence each."""
    return [one.caution for name in dict.fromkeys(names) if (one := services().get(name)) is not None and one.warning]


@cache
def external() -> Service:
    """The external API that services call. It does not implement the contract. Raises CatalogueError."""
    return of_file.read(SERVICES / EXTERNAL / "service.toml")


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
    return of_file.read(SERVICES / name / "service.toml", driver)


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


def _read_scenario(path: Path, shown: str) -> Scenario:
    from suite import scenario_file  # noqa: PLC0415  # see TYPE_CHECKING above

    found = scenario_file.read(path, shown)
    return Scenario(path.stem, found.summary, found.operations, found.user, found.parameters)
