"""A plan's TOML file: found, read, overridden by options, checked."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.plan import outside
from bench.plan.checks import (
    baseline_of,
    check_claims,
    check_names,
    check_parameters,
    check_slices,
    check_targets,
    left_out,
)
from bench.plan.claims import names_cells
from bench.plan.matrix import cells
from bench.plan.model import Load, Plan, Target
from bench.plan.note import Kind, Note
from suite import catalogue, lookup, toml_files
from suite.catalogue import Scenario
from suite.errors import PlanError, UsageError

# Where each command-line option is in a plan.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "services": ("matrix", "services"),
    "scenarios": ("matrix", "scenarios"),
    "users": ("matrix", "users"),
    "rounds": ("rounds", "count"),
    "precision": ("rounds", "precision"),
    "baseline": ("rounds", "baseline"),
    "measure": ("load", "measure_s"),
    "warm_up": ("load", "warm_up_s"),
    "scale": ("database", "scale"),
    "pool_size": ("matrix", "pool_size"),
    "workers": ("matrix", "workers"),
    "server": ("matrix", "server"),
    "loop": ("matrix", "loop"),
    "profile": ("matrix", "profile"),
    "driver": ("matrix", "driver"),
    "gc": ("matrix", "gc"),
    "pooler": ("matrix", "pooler"),
    "arrival": ("load", "arrival"),
    "rate": ("load", "rate"),
    "load_workers": ("load", "workers"),
    "expect_workers": ("load", "expect_workers"),
    "profile_s": ("rounds", "profile_s"),
    "seed": ("rounds", "seed"),
}
# How a title says that an option has overridden the plan; the seed does not change what is measured.
SAID: Mapping[str, str] = {
    "services": "services {}",
    "scenarios": "scenarios {}",
    "users": "{} users",
    "rounds": "{} rounds",
    "precision": "precision {}",
    "baseline": "baseline {}",
    "measure": "windows of {} s",
    "warm_up": "warm-up of {} s",
    "profile_s": "{} s with the profiler",
    "scale": "scale {}",
    "pool_size": "pool size {}",
    "workers": "{} workers",
    "server": "server {}",
    "loop": "event loop {}",
    "profile": "profile {}",
    "driver": "driver {}",
    "gc": "garbage collection {}",
    "pooler": "pooler {}",
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
    """A plan as it will be run, notes on it to print before, and its scenarios from outside the tree, by name."""

    plan: Plan
    remarks: tuple[Note, ...] = ()
    outside: Mapping[str, Scenario] = field(default_factory=dict)


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
    if given.get("services") == [catalogue.ALL]:
        given["services"] = [one.name for one in catalogue.usual().values() if one.needs_database]
    for name, value in given.items():
        section, key = OPTIONS[name]
        if isinstance(table := written.setdefault(section, {}), dict):  # else it is refused below, by name
            table[key] = value
    if "measure" in given:
        _keep_slices_as_long(written, before)
    if "rate" in given and isinstance(written["load"], dict):
        written["load"].pop("rate_share", None)
    _add_targets(written, named)
    own = _outside(path, written, given)
    written = outside.with_names(written)
    _place_commands(path, written)
    try:
        plan = Plan.model_validate(written)
    except ValidationError as error:
        raise PlanError(_first_problem(path, error, {**given, TARGET: named} if named else given)) from None
    if "services" not in written["matrix"] and not plan.targets:
        raise PlanError(f"{path}: matrix.services is missing")
    check_slices(path, plan)
    check_names(path, plan, own)
    check_parameters(path, plan, own)
    check_targets(path, plan, own)
    baseline = baseline_of(path, plan, may_be_away="services" in given and "baseline" not in given)
    whole = not named and all(OPTIONS[name][0] != "matrix" for name in given)
    check_claims(path, plan, own, whole=whole)
    claims = plan.claims if whole else [claim for claim in plan.claims if names_cells(claim, cells(plan, own))]
    lost = ", ".join(claim.id for claim in plan.claims if claim not in claims)
    remarks = [left_out(plan, own), f"left out, because options remove their cells: the claims {lost}" if lost else ""]
    if baseline != plan.rounds.baseline:
        remarks.append(f"without a baseline, because options leave out {plan.rounds.baseline}: all pairs are compared")
    notes = tuple(Note("", Kind.LEFT_OUT, text) for text in remarks if text)
    notes += tuple(Note("", Kind.EXAMPLE, text) for text in catalogue.cautions(plan.matrix.services))
    changed = _overridden(plan, before, given, named)
    overrides = {"title": f"{path.stem} plan, overridden: {'; '.join(changed.values())}"} if changed else {}
    overrides |= {"question": ""} if OF_THE_QUESTION & changed.keys() else {}
    rounds = plan.rounds.model_copy(update={"baseline": baseline})
    return PlanReading(plan.model_copy(update={**overrides, "claims": claims, "rounds": rounds}), notes, own)


def _outside(path: Path, written: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Scenario]:
    """The scenarios that are named by their files. The plan's own are not read if an option replaces them."""
    matrix = written.get("matrix")
    entries = matrix.get("scenarios") if isinstance(matrix, dict) else None
    return outside.of_options(entries, "--scenarios") if "scenarios" in given else outside.of_plan(entries, path)


def _keep_slices_as_long(written: dict[str, Any], before: Mapping[str, Any]) -> None:
    """With another time to measure, a cell has more or fewer slices of the same length. Wrong values stay."""
    rounds, now, then = (
        one if isinstance(one, dict) else {}
        for one in (written.get("rounds"), written.get("load"), before.get("load", {}))
    )
    slices, measure_s, planned_s = rounds.get("slices"), now.get("measure_s"), then.get("measure_s", Load().measure_s)
    if not isinstance(slices, int) or not isinstance(measure_s, int | float) or not isinstance(planned_s, int | float):
        return
    if slices > 1 and 0 < measure_s < float("inf") and planned_s > 0:
        rounds["slices"] = max(1, round(slices * measure_s / planned_s))


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
    if values in ([], [""]):
        return f"no {option}"
    shown = [f"{one:g}" if isinstance(one, float) else str(one) for one in values]
    said = SAID[option].format(", ".join(shown))
    return said[:-1] if values == [1] and said.endswith("s") else said


def _add_targets(written: dict[str, Any], named: Sequence[tuple[str, str]]) -> None:
    """Beside the plan's own; one of the same name takes the address that the command line gives.

    At that address it runs already: the plan's command starts one on the plan's own port.
    """
    own = written.setdefault("targets", [])
    if not isinstance(own, list):  # the model says so
        return
    for name, url in named:
        known = next((one for one in own if isinstance(one, dict) and one.get("name") == name), None)
        if known is None:
            own.append({"name": name, "url": url})
        else:
            known["url"] = url
            known.pop("command", None)
            known.pop("folder", None)


def _place_commands(path: Path, written: Mapping[str, Any]) -> None:
    """Give each target that the plan starts the whole path of its folder, which may be relative to the plan's file."""
    own = written["targets"]
    started = [one for one in own if isinstance(one, dict) and one.get("command")] if isinstance(own, list) else []
    noted = _folders_of_a_run(path) if started else {}
    for one in started:
        if isinstance(given := one.get("folder", ""), str):  # else the model says so
            beside = str((path.parent / Path(given).expanduser()).resolve())
            one["folder"] = noted.get(str(one.get("name")), beside)


def _folders_of_a_run(path: Path) -> dict[str, str]:
    """The folders of targets, where the file is the copy that a run has: they are relative to the original."""
    if path.name != "plan.toml":
        return {}
    try:
        targets = json.loads(path.with_name("plan.json").read_text(encoding="utf-8"))["plan"]["targets"]
        return {str(one["name"]): str(one["folder"]) for one in targets if one.get("folder")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # no run's, or an old one's
        return {}


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
