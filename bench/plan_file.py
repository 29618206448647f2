"""Plan files: found by name, read, overridden by command-line options, and refused with one clear message."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench import catalogue
from bench.errors import PlanError, UsageError
from bench.plan import Plan, cells
from bench.published import Claim
from bench.published import problem as problem_of_claims

# Where each command-line option stands in a plan.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "services": ("matrix", "services"),
    "scenarios": ("matrix", "scenarios"),
    "users": ("matrix", "users"),
    "rounds": ("rounds", "count"),
    "precision": ("rounds", "precision"),
    "measure": ("load", "measure_s"),
    "scale": ("database", "scale"),
    "pool_size": ("matrix", "pool_size"),
    "workers": ("matrix", "workers"),
    "server": ("matrix", "server"),
    "profile": ("matrix", "profile"),
    "arrival": ("load", "arrival"),
    "rate": ("load", "rate"),
    "load_workers": ("load", "workers"),
    "expect_workers": ("load", "expect_workers"),
    "seed": ("rounds", "seed"),
}


def find(name: str) -> Path:
    """The file of a plan: one that comes with the suite, by name, or any other by its path.

    Raises PlanError that names the nearest plan.
    """
    if name.endswith(".toml"):
        return Path(name)
    try:
        return catalogue.known("plan", name, catalogue.plans())
    except UsageError as error:
        raise PlanError(f"{error}; or name a file: --plan path/to/plan.toml") from None


def read(path: Path, options: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan and let command-line options (None: not given) override it.

    Raises PlanError that names the file, the key or option, the value and what is allowed.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlanError(f"there is no plan file {str(path)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read the plan {str(path)!r}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path}: not TOML: {error}") from None
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name, value in given.items():
        section, key = OPTIONS[name]
        written.setdefault(section, {})[key] = value
    if "rate" in given:
        written["load"].pop("rate_share", None)
    try:
        plan = Plan.model_validate(written)
    except ValidationError as error:
        raise PlanError(_first_problem(path, error, given)) from None
    _check_names(path, plan)
    _check_claims(path, plan, whole=all(OPTIONS[name][0] != "matrix" for name in given))
    return plan


def _check_names(path: Path, plan: Plan) -> None:
    try:
        wanted = [catalogue.scenario(name) for name in plan.matrix.scenarios]
        services = [catalogue.service(name) for name in (*plan.matrix.services, *plan.rounds.once)]
    except UsageError as error:
        raise PlanError(f"{path}: {error}") from None
    for scenario in wanted:
        for service in services:
            if not service.answers(scenario.operations):
                raise PlanError(
                    f"{path}: {service.name} does not answer what the scenario {scenario.name} asks for"
                    f" ({', '.join(scenario.operations)}); leave one of them out"
                )
    twice = set(plan.matrix.services) & set(plan.rounds.once)
    if twice:
        raise PlanError(f"{path}: {', '.join(sorted(twice))} stands in matrix.services and in rounds.once; keep one")


def _check_claims(path: Path, plan: Plan, *, whole: bool) -> None:
    if why := problem_of_claims(plan.claims, cells(plan), whole=whole):
        raise PlanError(f"{path}: {why}")


def _first_problem(path: Path, error: ValidationError, given: Mapping[str, Any]) -> str:
    # A misspelt key first: what it was meant for may be missing because of it.
    problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    location = [part for part in problem["loc"] if isinstance(part, str)]
    key = ".".join(location)
    if location[:1] == ["claims"] and len(problem["loc"]) > 1:
        key = f"claim {int(problem['loc'][1]) + 1}: {'.'.join(location[1:])}".removesuffix(": ")
    option = next((name for name, where in OPTIONS.items() if list(where) == location[:2] and name in given), None)
    named = f"--{option.replace('_', '-')}" if option else f"{path}: {key}"
    if problem["type"] == "extra_forbidden":
        section: Any = Claim if location[0] == "claims" else Plan
        for part in location[:-1] if section is Plan else ():
            section = section.model_fields[part].annotation
        return (
            f"{path}: unknown key {key!r}{catalogue.nearest(location[-1], section.model_fields)}; there are: "
            + ", ".join(section.model_fields)
        )
    if problem["type"] == "missing":
        return f"{path}: {key} is missing"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{named}: {said}" if isinstance(problem["input"], dict) else f"{named}: {problem['input']!r}: {said}"
