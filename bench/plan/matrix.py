"""The cells of a plan: every combination of its matrix, and how each service is set up for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any

from bench.plan.model import USUAL, GarbageCollection, Matrix, Plan, Scalar, Target
from bench.plan.servers import UVLOOP
from services.contract.operations import OPERATIONS
from suite import catalogue
from suite.catalogue import NO_SCENARIOS, Scenario
from suite.service import Service

PYTHONS_OWN: GarbageCollection = "default"
"""How every service collected garbage before plans could choose."""
NO_POOLER = "none"


@dataclass(frozen=True)
class Setup:
    """How one service runs. Cells with the same setup can use the same processes; `arm` sets two equal ones apart.

    One with a `url` is a target's: how it runs is not known, and of all other fields only `service`, `title`,
    `external_api`, and `command` and `folder`, with which the suite starts it, count.
    """

    service: str
    profile: str
    server: str
    workers: int
    pool_size: int
    pool_overflow: int
    pool_timeout_s: float
    threads: int
    database_rtt_ms: float | None = None
    external_delay_s: float = 5.0
    gc: str = PYTHONS_OWN
    pooler: str = NO_POOLER
    loop: str = UVLOOP
    arm: str = ""
    url: str = ""
    title: str = ""
    external_api: bool = False
    command: str = ""
    folder: str = ""
    driver: str = ""

    @property
    def described(self) -> Service:
        """Its service, with what the driver of this setup makes of it."""
        return catalogue.service(self.service, self.driver)

    @property
    def runs_as(self) -> str:
        """What tells two setups of one service apart in a table of what verification found."""
        return in_words(self.profile, self.described, self.pooler)

    @property
    def is_started(self) -> bool:
        """Whether the suite starts its processes and ends them: all but those of a target that runs already."""
        return not self.url or bool(self.command)

    @property
    def axes(self) -> Mapping[str, Any]:
        """Its value on every axis that it has; of a target there are none but its name."""
        known = asdict(self)
        names = ("service", "arm") if self.url else ("service", *SETUP_AXES, "arm")
        return {name: known[name] for name in names if name != "driver" or self.driver}

    @property
    def opened_at_start(self) -> int:
        """How many connections its workers are to open together before the first request."""
        return self.pool_size * self.workers if self.connections else 0

    @property
    def connections(self) -> int:
        """The most database connections that it may open."""
        if self.url or not self.described.needs_database:
            return 0
        return (self.pool_size + self.pool_overflow) * self.workers


@dataclass(frozen=True)
class Cell:
    """One combination of the matrix, or of a target and the axes of the load.

    `parameters` are the scenario's own, as (name, value) in the order of the plan. `outside` is its scenario, if that
    is not of the tree.
    """

    slug: str
    scenario: str
    setup: Setup
    users: int
    parameters: tuple[tuple[str, Scalar], ...]
    once: bool
    outside: Scenario | None = field(default=None, compare=False, repr=False)

    @property
    def service(self) -> str:
        """The name of the service that is measured."""
        return self.setup.service

    @property
    def described(self) -> Scenario | None:
        """Its scenario; None where a stored run names one that is gone."""
        return self.outside or catalogue.scenarios().get(self.scenario)

    @property
    def operations(self) -> tuple[str, ...]:
        """What its users call, as far as it is known."""
        return self.described.operations if self.described else ()

    @property
    def calls_external(self) -> bool:
        """Whether the suite's external API is called for this cell's users."""
        called = any(OPERATIONS[name].calls_external for name in self.operations if name in OPERATIONS)
        return called and (not self.setup.url or self.setup.external_api)

    @property
    def arm(self) -> str:
        """`aa` for a cell that repeats another one; its slug is that one's with `-aa`."""
        return self.setup.arm

    @property
    def axes(self) -> Mapping[str, Scalar | None]:
        """Its value on every axis, and its parameters."""
        return {"scenario": self.scenario, **self.setup.axes, "users": self.users, **dict(self.parameters)}

    def as_dict(self) -> dict[str, Any]:
        """For plan.json."""
        setup = self.setup
        of_target = {"url": setup.url, "title": setup.title, "external_api": setup.external_api}
        of_target |= {"command": setup.command, "folder": setup.folder} if setup.command else {}
        described = {**setup.axes, **of_target} if setup.url else setup.axes
        known = asdict(replace(self, outside=None))
        del known["outside"]  # plan.json has its file beside the cells
        return {**known, "setup": dict(described)}


def in_words(profile: str, service: Service, pooler: str) -> str:
    """`idiomatic on psycopg, pooler transaction`: the profile, and what is not usual."""
    driver = f" on {service.unusual_driver}" if service.unusual_driver else ""
    return f"{profile}{driver}" + ("" if pooler == NO_POOLER else f", pooler {pooler}")


def default_setup(service: str) -> Setup:
    """How a service runs where no plan says otherwise. Raises UsageError for an unknown service."""
    known = catalogue.service(service)
    matrix = Matrix(scenarios=[""], services=[known.name])
    axes = {axis: getattr(matrix, axis)[0] for axis in SETUP_AXES if axis != "driver"}
    return Setup(service, **axes, driver=known.driver)


AA = "aa"
SETUP_AXES = (
    "profile",
    "driver",
    "server",
    "loop",
    "workers",
    "pool_size",
    "pool_overflow",
    "pool_timeout_s",
    "threads",
    "gc",
    "pooler",
    "database_rtt_ms",
    "external_delay_s",
)


def cells(plan: Plan, outside: Mapping[str, Scenario] = NO_SCENARIOS) -> tuple[Cell, ...]:
    """Every combination of the matrix, then targets, the A/A arm, those of `rounds.once` last.

    `outside` has the plan's scenarios that are not of the tree, by name.
    """
    services: list[str | Target] = [*plan.matrix.services, *plan.targets]
    twins = _expand(plan, services[:1], outside, arm=AA) if plan.rounds.aa else ()
    return (*_expand(plan, services, outside), *twins, *_expand(plan, plan.rounds.once, outside, once=True))


def _expand(
    plan: Plan,
    services: Sequence[str | Target],
    outside: Mapping[str, Scenario],
    *,
    once: bool = False,
    arm: str = "",
) -> Iterator[Cell]:
    matrix = plan.matrix
    for service, scenario in product(services, matrix.scenarios):
        target = service if isinstance(service, Target) else None
        name = service if isinstance(service, str) else service.name
        if once and not can_answer(name, scenario, outside):
            continue
        own_axes = () if target else SETUP_AXES  # a target runs as it runs
        axes = {axis: list[Scalar](getattr(matrix, axis)) for axis in (*own_axes, "users")}
        if not target:
            axes["driver"] = list(drivers(name, matrix.driver))
        parameters = {key: values for key, values in matrix.parameters.items() if has_parameter(scenario, key, outside)}
        varied: dict[str, Sequence[Scalar]] = {"scenarios": matrix.scenarios, **axes, **parameters}
        for values in product(*axes.values(), *parameters.values()):
            chosen: dict[str, Any] = dict(zip([*axes, *parameters], values, strict=True))
            all_chosen = {"scenarios": scenario, **chosen}
            varying = [_slug_part(axis, all_chosen[axis]) for axis, all_ in varied.items() if len(all_) > 1]
            users = chosen.pop("users")
            own = tuple((parameter, chosen.pop(parameter)) for parameter in parameters)
            slug = "-".join([name, *varying, *([arm] if arm else [])])
            setup = replace(setup_of(target), arm=arm) if target else Setup(name, **chosen, arm=arm)
            yield Cell(slug, scenario, setup, users, own, once, outside.get(scenario))


def drivers(service: str, asked: Sequence[str]) -> tuple[str, ...]:
    """On which drivers a plan runs a service: those of `asked` that it knows, else its usual one.

    An empty name for a service that has no choice, and where a stored run names a service that is gone.
    """
    known = catalogue.services().get(service)
    if known is None:
        return ("",)
    named = (known.driver if one == USUAL else one for one in asked)
    return tuple(dict.fromkeys(one for one in named if one in known.drivers)) or (known.driver,)


def can_answer(service: str, scenario: str, outside: Mapping[str, Scenario] = NO_SCENARIOS) -> bool:
    """Whether a service answers all that a scenario asks; true where a stored run names one that is gone."""
    services, scenarios = catalogue.services(), {**catalogue.scenarios(), **outside}
    known = service in services and scenario in scenarios
    return not known or services[service].answers(scenarios[scenario].operations)


def has_parameter(scenario: str, name: str, outside: Mapping[str, Scenario] = NO_SCENARIOS) -> bool:
    """Whether it is the scenario's own; true where a stored run names a scenario that is gone."""
    scenarios = {**catalogue.scenarios(), **outside}
    return scenario not in scenarios or name in scenarios[scenario].parameters


def setup_of(target: Target) -> Setup:
    """Nothing is known of how it runs; one worker counts where the machine's CPUs are shared out."""
    unknown: dict[str, Any] = {"profile": "", "server": "", "workers": 1, "pool_size": 0, "pool_overflow": 0}
    known: dict[str, Any] = {"url": target.url, "title": target.title, "external_api": target.external_api}
    known |= {"command": target.command, "folder": target.folder}
    return Setup(target.name, **unknown, pool_timeout_s=0.0, threads=0, **known)


def _slug_part(axis: str, value: Scalar) -> str:
    value = f"{value:g}" if isinstance(value, float) else value
    text = "".join(letter if letter.isalnum() or letter in "._" else "_" for letter in str(value))
    return text if axis in {"scenarios", "profile", "driver", "server", "loop"} else f"{axis}_{text}"
