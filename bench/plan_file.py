"""Plan files: found by name, read, overridden by command-line options, and refused with one clear message."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bench import catalogue
from bench.errors import PlanError, UsageError
from bench.plan import Plan, Target, cells
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
TARGET = "target"
"""The option that adds to a plan's targets and replaces none of its values."""


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
    except (tomllib.TOMLDecodeError, RecursionError) as error:  # the latter of brackets within brackets without end
        raise PlanError(f"{path}: not TOML: {error}") from None
    given = {name: value for name, value in (options or {}).items() if value is not None}
    named = given.pop(TARGET, None) or ()
    for name, value in given.items():
        section, key = OPTIONS[name]
        if isinstance(table := written.setdefault(section, {}), dict):  # else it is refused below, by name
            table[key] = value
    if "rate" in given and isinstance(written["load"], dict):
        written["load"].pop("rate_share", None)
    _add_targets(written, named)
    try:
        plan = Plan.model_validate(written)
    except ValidationError as error:
        raise PlanError(_first_problem(path, error, {**given, TARGET: named} if named else given)) from None
    if "services" not in written["matrix"] and not plan.targets:
        raise PlanError(f"{path}: matrix.services is missing")
    _check_names(path, plan)
    _check_targets(path, plan)
    _check_claims(path, plan, whole=not named and all(OPTIONS[name][0] != "matrix" for name in given))
    return plan


def _add_targets(written: dict[str, Any], named: Sequence[tuple[str, str]]) -> None:
    """Beside the plan's own; one of the same name takes the address that the command line gives."""
    own = written.setdefault("targets", [])
    if not isinstance(own, list):  # the model says so
        return
    for name, url in named:
        known = next((one for one in own if isinstance(one, dict) and one.get("name") == name), None)
        if known is None:
            own.append({"name": name, "url": url})
        else:
            known["url"] = url


def _check_targets(path: Path, plan: Plan) -> None:
    if not plan.matrix.services and not plan.targets:
        raise PlanError(f"{path}: nothing is measured: name a service (--services) or a target (--target NAME=URL)")
    taken = {*catalogue.services(), catalogue.EXTERNAL}
    for target in plan.targets:
        if target.name in taken:
            raise PlanError(
                f"{path}: target {target.name!r} has the name of a service or of another target; name it anew"
            )
        taken.add(target.name)
    slugs = [cell.slug for cell in cells(plan)]
    if twice := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise PlanError(f"{path}: two cells are called {twice!r}: give the target another name")


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
    if location[:1] == ["targets"] and TARGET in given:
        key = f"--{TARGET}" + ("" if len(location) < 2 else f", {location[1]}")
        return _refused(key, problem)
    option = next((name for name, where in OPTIONS.items() if list(where) == location[:2] and name in given), None)
    named = f"--{option.replace('_', '-')}" if option else f"{path}: {key}"
    if problem["type"] == "extra_forbidden":
        section: Any = {"claims": Claim, "targets": Target}.get(location[0], Plan)
        for part in location[:-1] if section is Plan else ():
            section = section.model_fields[part].annotation
        return (
            f"{path}: unknown key {key!r}{catalogue.nearest(location[-1], section.model_fields)}; there are: "
            + ", ".join(section.model_fields)
        )
    if problem["type"] == "missing":
        return f"{path}: {key} is missing"
    return f"{named}: {_said(problem)}" if isinstance(problem["input"], dict) else _refused(named, problem)


def target(name: str, url: str) -> Target:
    """One that the command line names. Raises PlanError that says what is wrong with it."""
    try:
        return Target(name=name, url=url)
    except ValidationError as error:
        [problem, *_] = error.errors()
        raise PlanError(_refused(f"--{TARGET}, {problem['loc'][0]}", problem)) from None


def _refused(named: str, problem: ErrorDetails) -> str:
    return f"{named}: {_shown(problem['input'])}: {_said(problem)}"


def _said(problem: ErrorDetails) -> str:
    return problem["msg"].removeprefix("Value error, ")


def _shown(value: object) -> str:
    """As it was written, but for what stands before the host of an address: it may be a password."""
    return re.sub(r"//[^/]*@", "//***@", repr(value))
