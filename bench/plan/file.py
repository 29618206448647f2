"""Plan files: found by name, read, overridden by command-line options, and refused with one clear message."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.plan.claims import names_cells
from bench.plan.claims import problem as problem_of_claims
from bench.plan.matrix import can_answer, cells
from bench.plan.model import Plan, Target
from suite import catalogue, lookup, toml_files
from suite.errors import PlanError, UsageError

# Where each command-line option is in a plan.
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
# How a title says that an option has overridden the plan; the seed changes nothing of what is measured.
SAID: Mapping[str, str] = {
    "services": "services {}",
    "scenarios": "scenarios {}",
    "users": "{} users",
    "rounds": "{} rounds",
    "precision": "precision {}",
    "measure": "windows of {} s",
    "scale": "scale {}",
    "pool_size": "pool size {}",
    "workers": "{} workers",
    "server": "server {}",
    "profile": "profile {}",
    "arrival": "arrival {}",
    "rate": "{} requests/s",
    "load_workers": "{} load workers",
    "expect_workers": "{} load workers elsewhere",
}
TARGET = "target"
"""The option that adds to a plan's targets and replaces none of its values."""
OF_THE_QUESTION = frozenset({"services", "scenarios", TARGET})
"""A plan's question is about what these name."""


@dataclass(frozen=True)
class PlanReading:
    """A plan as it is to be run, and what should be said of it before that, a line each."""

    plan: Plan
    remarks: tuple[str, ...] = ()


def find(name: str) -> Path:
    """The file of a plan: one that comes with the suite, by name, or any other by its path.

    Raises PlanError that names the nearest plan.
    """
    if name.endswith(".toml"):
        return Path(name)
    try:
        return lookup.known("plan", name, catalogue.plans())
    except UsageError as error:
        raise PlanError(f"{error}; or name a file: --plan path/to/plan.toml") from None


def read(path: Path, options: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan as `understood` does, where nothing is to be said of it."""
    return understood(path, options).plan


def understood(path: Path, options: Mapping[str, Any] | None = None) -> PlanReading:
    """Read a plan and let command-line options (None: not given) override it.

    Its title then says what they override. Claims about cells that they take away are left out, and so is a question
    about other services or scenarios. Raises PlanError that names the file, the key or option, the value and what is
    allowed.
    """
    written = toml_files.tables(path, PlanError, "plan")
    given = {name: value for name, value in (options or {}).items() if value is not None}
    named = given.pop(TARGET, None) or ()
    before = copy.deepcopy(written)
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
    _check_parameters(path, plan)
    _check_targets(path, plan)
    whole = not named and all(OPTIONS[name][0] != "matrix" for name in given)
    _check_claims(path, plan, whole=whole)
    claims = plan.claims if whole else [claim for claim in plan.claims if names_cells(claim, cells(plan))]
    lost = ", ".join(claim.id for claim in plan.claims if claim not in claims)
    remarks = (left_out(plan), f"left out, because options remove their cells: the claims {lost}" if lost else "")
    changed = _overridden(plan, before, given, named)
    told = {"title": f"{path.stem} plan, overridden: {'; '.join(changed.values())}"} if changed else {}
    told |= {"question": ""} if OF_THE_QUESTION & changed.keys() else {}
    return PlanReading(plan.model_copy(update={**told, "claims": claims}), tuple(filter(None, remarks)))


def _overridden(
    plan: Plan, before: Mapping[str, Any], given: Mapping[str, Any], named: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """In words, by option, in what the plan is another one than its file has it."""
    found = {}
    for option in SAID:
        section, key = OPTIONS[option]
        used, table = getattr(getattr(plan, section), key), before.get(section, {})
        default = type(getattr(plan, section)).model_fields[key].default
        as_written = table.get(key, default)
        as_written = as_written if isinstance(as_written, list) or not isinstance(used, list) else [as_written]
        if option in given and used != as_written:
            found[option] = _phrase(option, used)
    own = {one.get("name") for one in before.get("targets", ())}
    if new := ", ".join(name for name, _ in named if name not in own):
        found[TARGET] = f"target {new}"
    return found


def _phrase(option: str, value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    if not values:
        return f"no {option}"
    shown = [f"{one:g}" if isinstance(one, float) else str(one) for one in values]
    said = SAID[option].format(", ".join(shown))
    return said[:-1] if values == [1] and said.endswith("s") else said


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
        raise PlanError(f"{path}: nothing to measure: name a service (--services) or a target (--target NAME=URL)")
    taken = {*catalogue.services(), catalogue.EXTERNAL}
    for target in plan.targets:
        if target.name in taken:
            raise PlanError(
                f"{path}: target {target.name!r} has the name of a service or of another target; choose another name"
            )
        taken.add(target.name)
    slugs = [cell.slug for cell in cells(plan)]
    if twice := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise PlanError(f"{path}: two cells have the name {twice!r}: give the target another name")


def _check_names(path: Path, plan: Plan) -> None:
    try:
        wanted = [catalogue.scenario(name) for name in plan.matrix.scenarios]
        services = [catalogue.service(name) for name in plan.matrix.services]
        for name in plan.rounds.once:
            catalogue.service(name)
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
        raise PlanError(f"{path}: {', '.join(sorted(twice))} is in matrix.services and in rounds.once; keep one")


def left_out(plan: Plan) -> str:
    """In words, which services of `rounds.once` cannot be measured under which scenarios; empty where all can."""
    missed = [
        f"{name} under {', '.join(scenarios)}"
        for name in plan.rounds.once
        if (scenarios := [one for one in plan.matrix.scenarios if not can_answer(name, one)])
    ]
    return f"left out of rounds.once, because it does not answer the requests: {'; '.join(missed)}" if missed else ""


def _check_parameters(path: Path, plan: Plan) -> None:
    """Every one is that of a selected scenario, and each value may be."""
    selected = [catalogue.scenario(name) for name in plan.matrix.scenarios]
    for name, values in plan.matrix.parameters.items():
        having = [one for one in selected if name in one.parameters]
        if not having:
            raise PlanError(f"{path}: matrix.parameters.{name}: {_no_parameter(name, selected)}")
        for scenario in having:
            for value in values:
                if why := scenario.parameters[name].refusal(value):
                    raise PlanError(f"{path}: matrix.parameters.{name}: {value!r} {why} (scenario {scenario.name})")


def _no_parameter(name: str, selected: Sequence[catalogue.Scenario]) -> str:
    """That no scenario of these has this parameter, which they have, and which other scenario has it."""
    known = list(dict.fromkeys(one for scenario in selected for one in scenario.parameters))
    there = "; ".join(f"{one.name} has {', '.join(one.parameters) or 'none'}" for one in selected)
    said = f"no selected scenario has this parameter{lookup.nearest(name, known)}: {there}"
    others = [one.name for one in catalogue.scenarios().values() if name in one.parameters]
    return f"{said}. Leave it out, or select {' or '.join(others)}, which has it" if others else said


def _check_claims(path: Path, plan: Plan, *, whole: bool) -> None:
    if why := problem_of_claims(plan.claims, cells(plan), whole=whole):
        raise PlanError(f"{path}: {why}")


def _first_problem(path: Path, error: ValidationError, given: Mapping[str, Any]) -> str:
    problem = toml_files.first(error)
    location = [part for part in problem["loc"] if isinstance(part, str)]
    key = ".".join(location)
    if location[:1] == ["claims"] and len(problem["loc"]) > 1:
        key = f"claim {int(problem['loc'][1]) + 1}: {'.'.join(location[1:])}".removesuffix(": ")
    if location[:1] == ["targets"] and TARGET in given:
        key = f"--{TARGET}" + ("" if len(location) < 2 else f", {location[1]}")
        return toml_files.refused(key, problem)
    option = next((name for name, where in OPTIONS.items() if list(where) == location[:2] and name in given), None)
    return toml_files.said(problem, Plan, path, key, f"--{option.replace('_', '-')}" if option else "")


def target(name: str, url: str) -> Target:
    """One that the command line names. Raises PlanError that says what is wrong with it."""
    try:
        return Target(name=name, url=url)
    except ValidationError as error:
        [problem, *_] = error.errors()
        raise PlanError(toml_files.refused(f"--{TARGET}, {problem['loc'][0]}", problem)) from None
