"""Whether what a plan names exists and fits together: services, scenarios, parameters, targets, claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.plan import address
from bench.plan.claims import problem as problem_of_claims
from bench.plan.matrix import can_answer, cells
from bench.plan.model import USUAL, Plan
from suite import catalogue, lookup
from suite.catalogue import NO_SCENARIOS, Scenario
from suite.errors import PlanError, UsageError

OWN = "my_scenario.py"
SHORTEST_SLICE_S = 0.25  # answers arrive in bunches


def check_targets(path: Path, plan: Plan, outside: Mapping[str, Scenario]) -> None:
    """Raise PlanError when there is nothing to measure, or when a target's name is taken."""
    if not plan.matrix.services and not plan.targets:
        raise PlanError(f"{path}: nothing to measure: name a service (--services) or a target (--target NAME=URL)")
    taken = {*catalogue.services(), catalogue.EXTERNAL}
    for target in plan.targets:
        if target.name in taken:
            raise PlanError(
                f"{path}: target {target.name!r} has the name of a service or of another target; choose another name"
            )
        taken.add(target.name)
    _check_ports(path, plan)
    slugs = [cell.slug for cell in cells(plan, outside)]
    if twice := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise PlanError(f"{path}: two cells have the name {twice!r}: give the target another name")


def _check_ports(path: Path, plan: Plan) -> None:
    """Raise PlanError when a target that the suite starts has the port of something else that it starts."""
    known = [catalogue.service(name) for name in (*plan.matrix.services, *plan.rounds.once)]
    taken = {one.port: one.name for one in (catalogue.external(), *known)}
    for target in plan.targets:
        _, port = address.host_and_port(target.url)
        if target.command and port in taken:
            raise PlanError(
                f"{path}: target {target.name!r} has port {port}, which is that of {taken[port]}: give it another one,"
                " in targets.url and in targets.command"
            )
        if target.command:
            taken[port] = target.name


def check_slices(path: Path, plan: Plan) -> None:
    """Raise PlanError for slices that are too short, and for a profiler beside several workers."""
    slices, measure_s = plan.rounds.slices, plan.load.measure_s
    if slices > 1 and measure_s / slices < SHORTEST_SLICE_S:
        raise PlanError(
            f"{path}: {slices} slices (rounds.slices) of {measure_s:g} s (load.measure_s) are"
            f" {measure_s / slices:.3g} s each, and {SHORTEST_SLICE_S:g} s is the least"
        )
    if plan.rounds.profile and plan.matrix.workers != [1]:
        raise PlanError(
            f"{path}: a profiler (rounds.profile) runs on its service's CPU, so it needs one worker: matrix.workers is"
            f" {', '.join(map(str, plan.matrix.workers))}; use 1 (--workers 1)"
        )


def check_names(path: Path, plan: Plan, outside: Mapping[str, Scenario]) -> None:
    """Raise PlanError when the plan names a service or scenario that does not exist, or that do not fit together."""
    try:
        wanted = [catalogue.scenario(name, outside) for name in plan.matrix.scenarios]
    except UsageError as error:
        raise PlanError(f"{path}: {error}; or name a file: path/to/{OWN}") from None
    try:
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
    known = list(dict.fromkeys(driver for service in services for driver in service.drivers))
    if wrong := next((driver for driver in plan.matrix.driver if driver not in {USUAL, *known}), None):
        there = f"they have: {', '.join(known)}" if known else "none of them has a choice"
        raise PlanError(
            f"{path}: matrix.driver (--driver): none of the plan's services runs on {wrong!r}"
            f"{lookup.nearest(wrong, known)}; {there}"
        )
    twice = set(plan.matrix.services) & set(plan.rounds.once)
    if twice:
        raise PlanError(f"{path}: {', '.join(sorted(twice))} is in matrix.services and in rounds.once; keep one")


def baseline_of(path: Path, plan: Plan, *, may_be_away: bool) -> str:
    """The plan's baseline, if it is one of its services or targets; none if it `may_be_away` and is. Else PlanError."""
    name, known = plan.rounds.baseline, [*plan.matrix.services, *(target.name for target in plan.targets)]
    if not name or name in known:
        return name
    if may_be_away and name in catalogue.services():
        return ""
    where = " (rounds.once has it, and one round has no interval)" if name in plan.rounds.once else ""
    raise PlanError(
        f"{path}: rounds.baseline (--baseline) is {name!r}, which is none of the plan's services and targets{where}"
        f"{lookup.nearest(name, known)}; there are: {', '.join(known)}"
    )


def left_out(plan: Plan, outside: Mapping[str, Scenario] = NO_SCENARIOS) -> str:
    """In words, which services of `rounds.once` cannot be measured under which scenarios; empty where all can."""
    missed = [
        f"{name} under {', '.join(scenarios)}"
        for name in plan.rounds.once
        if (scenarios := [one for one in plan.matrix.scenarios if not can_answer(name, one, outside)])
    ]
    return f"left out of rounds.once, because it does not answer the requests: {'; '.join(missed)}" if missed else ""


def check_parameters(path: Path, plan: Plan, outside: Mapping[str, Scenario]) -> None:
    """Every one is that of a selected scenario, and each value may be."""
    selected = [catalogue.scenario(name, outside) for name in plan.matrix.scenarios]
    for name, values in plan.matrix.parameters.items():
        having = [one for one in selected if name in one.parameters]
        if not having:
            raise PlanError(f"{path}: matrix.parameters.{name}: {_no_parameter(name, selected)}")
        for scenario in having:
            for value in values:
                if why := scenario.parameters[name].refusal(value):
                    raise PlanError(f"{path}: matrix.parameters.{name}: {value!r} {why} (scenario {scenario.name})")


def _no_parameter(name: str, selected: Sequence[Scenario]) -> str:
    """That no scenario of these has this parameter, which they have, and which other scenario has it."""
    known = list(dict.fromkeys(one for scenario in selected for one in scenario.parameters))
    there = "; ".join(f"{one.name} has {', '.join(one.parameters) or 'none'}" for one in selected)
    said = f"no selected scenario has this parameter{lookup.nearest(name, known)}: {there}"
    others = [one.name for one in catalogue.scenarios().values() if name in one.parameters]
    return f"{said}. Leave it out, or select {' or '.join(others)}, which has it" if others else said


def check_claims(path: Path, plan: Plan, outside: Mapping[str, Scenario], *, whole: bool) -> None:
    """Raise PlanError for a claim about cells that the plan does not have."""
    if why := problem_of_claims(plan.claims, cells(plan, outside), whole=whole):
        raise PlanError(f"{path}: {why}")
    if not whole:
        return
    known = [one for name in plan.matrix.scenarios for one in catalogue.scenario(name, outside).operations]
    for claim in plan.claims:
        if claim.operation is not None and claim.operation not in known:
            raise PlanError(
                f"{path}: claim {claim.id!r}: the plan's scenarios have no operation {claim.operation!r}"
                f"{lookup.nearest(claim.operation, known)}; they have: {', '.join(known)}"
            )
