"""What there is to measure: the services (folders in `services/`) and the scenarios (files in `locustfiles/`)."""

import ast
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UsageError

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parent.parent
SERVICES = CHECKOUT / "services"
SCENARIOS = CHECKOUT / "locustfiles"
PLANS = CHECKOUT / "bench" / "plans"


@dataclass(frozen=True)
class Overhead:
    """What one use of a pooled connection costs beside its data statements, and why."""

    round_trips: int
    statements: int
    why: str


@dataclass(frozen=True)
class Own:
    """What a library itself makes of a fact that services are compared in (bench/parity.py), and why."""

    value: str
    why: str


@dataclass(frozen=True)
class Service:
    """One folder in `services/`, as its service.toml describes it.

    `operations` is None for a service that answers the whole contract. `overhead` is by profile, or by `implicit` and
    `explicit` (`lean_implicit` and so on, where the profile still shows) for operations that no profile changes;
    `extra_statements` has the operations for which the library sends more than the contract's data statements, `uses`
    those for which it uses a connection more often. `warm_up` is how often a statement is to be executed on a
    connection before the library has settled. `own` is by fact.
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
    warm_up: int = 1

    @property
    def application(self) -> str:
        """The import path that gunicorn and uvicorn take."""
        return f"services.{self.name}.app:app"

    @property
    def url(self) -> str:
        """Where it answers when the harness starts it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def needs_database(self) -> bool:
        """Whether it answers the whole contract, which only a database can."""
        return self.operations is None

    def answers(self, operations: Iterable[str]) -> bool:
        """Whether it implements all of these operations."""
        return self.operations is None or set(operations) <= set(self.operations)


@dataclass(frozen=True)
class Scenario:
    """One file in `locustfiles/`: what a simulated user does. `user` is the name of its class."""

    name: str
    summary: str
    operations: tuple[str, ...]
    user: str

    @property
    def path(self) -> Path:
        """The locustfile."""
        return SCENARIOS / f"{self.name}.py"


EXTERNAL = "external_api"


@cache
def services() -> Mapping[str, Service]:
    """Every service that can be measured, by name, in the order of their ports."""
    found = [_read_service(path) for path in SERVICES.glob("*/service.toml") if path.parent.name != EXTERNAL]
    return {service.name: service for service in sorted(found, key=lambda service: service.port)}


@cache
def external() -> Service:
    """The third party that services call: no service of the contract."""
    return _read_service(SERVICES / EXTERNAL / "service.toml")


@cache
def scenarios() -> Mapping[str, Scenario]:
    """Every scenario by name."""
    paths = sorted(path for path in SCENARIOS.glob("*.py") if not path.name.startswith("_"))
    return {path.stem: _read_scenario(path) for path in paths}


@cache
def plans() -> Mapping[str, Path]:
    """Every plan that comes with the suite, by name."""
    return {path.stem: path for path in sorted(PLANS.glob("*.toml"))}


def service(name: str) -> Service:
    """The service of this name. Raises UsageError that names the nearest one."""
    return known("service", name, services())


def scenario(name: str) -> Scenario:
    """The scenario of this name. Raises UsageError that names the nearest one."""
    return known("scenario", name, scenarios())


def known(kind: str, name: str, having: Mapping[str, T]) -> T:
    """The entry of this name, or a UsageError that names the nearest one and all there are."""
    if name in having:
        return having[name]
    raise UsageError(f"there is no {kind} {name!r}{nearest(name, having)}; there are: {', '.join(having)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or nothing where no name is near."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _read_service(path: Path) -> Service:
    described: dict[str, Any] = tomllib.loads(path.read_text())
    operations = described.get("operations")
    return Service(
        name=path.parent.name,
        title=described["title"],
        mode=described["mode"],
        port=described["port"],
        libraries=tuple(described["libraries"]),
        operations=None if operations is None else tuple(operations),
        overhead={profile: Overhead(**facts) for profile, facts in described.get("overhead", {}).items()},
        extra_statements=described.get("extra_statements", {}),
        uses=described.get("uses", {}),
        warm_up=described.get("warm_up", 1),
        own={fact: Own(**facts) for fact, facts in described.get("own", {}).items()},
    )


def _read_scenario(path: Path) -> Scenario:
    # Read, not imported: the file imports locust, which patches the whole process.
    tree = ast.parse(path.read_text())
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    operations = ast.literal_eval(assigned["OPERATIONS"]) if "OPERATIONS" in assigned else ()
    summary = (ast.get_docstring(tree) or path.stem).partition("\n")[0]
    user = next((node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_user(node)), "")
    return Scenario(path.stem, summary, tuple(operations), user)


def _is_user(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "ServiceUser" for base in node.bases)
