"""`bench verify`: does every service fulfil the contract?"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import get_args

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis import parity
from bench.commands import options
from bench.measure import database, preflight, progress
from bench.measure.database import Database
from bench.measure.fleet.fleet import FleetSettings
from bench.measure.gate import first_look, gate
from bench.measure.gate.gate import Verification
from bench.plan import file, matrix, model
from bench.plan.costs import Cost
from bench.plan.matrix import Setup
from bench.report.terminal import parity_table
from db.data import dataset
from suite import catalogue, trust
from suite.service import Service

EPILOG = """
\b
Examples:
  bench verify                                       all services but warning examples, on each of their drivers
  bench verify --services asyncpg_async              one service, while you write it
  bench verify --target mine=http://127.0.0.1:9000   your own application
"""

IN_ONE_TABLE = 6
PROFILES: tuple[str, ...] = get_args(model.Profile)


@click.command(epilog=EPILOG)
@options.services
@options.scale
@options.database_url
@options.pooler
@options.target
@options.ca_file
def verify(
    services: list[str] | None,
    scale: float,
    database_url: str | None,
    pooler: str,
    target: tuple[tuple[str, str], ...],
    ca_file: str | None,
) -> int:
    """Check services against the contract, in both profiles, and count what each operation costs in the database.

    Exits with 3 if a service gives a wrong answer, answers differently from the others, or makes more or fewer round
    trips or statements than its service.toml says. For a target only the answers are checked; exits with 3 if it
    cannot be measured in any scenario.
    """
    asked = [file.target(name, url) for name, url in target]
    setups = [matrix.setup_of(one) for one in asked]
    trusted = trust.read(ca_file or "")
    for setup in setups:
        first_look.check(setup, (), trusted.pem)
    console = options.console()
    used = [] if setups and not services else options.chosen(console, services)
    ours = [one for service in used for one in _on_each_driver(service, pooler)]
    with database.opened(database_url, services=[setup.described for setup in ours]) as server:
        options.say(console, preflight.check_pooler(server, [pooler]))
        with progress.shares(console, f"loading scale {scale:g}") as report:
            database.loaded(server, scale, report)
        around = FleetSettings(server.dsn.url, dataset.size(scale).users, (), trust=trusted)
        if ours:
            _services(console, around, server, ours)
        measurable = [_measurable(console, around, server, setup) for setup in setups]
    return 0 if all(measurable) else 3


def _on_each_driver(service: Service, pooler: str) -> list[Setup]:
    usual = replace(matrix.default_setup(service.name), pooler=pooler)
    return [replace(usual, driver=driver) for driver in service.drivers or ("",)]


def _services(console: Console, around: FleetSettings, server: Database, ours: list[Setup]) -> None:
    preflight.check_descriptions(setup.described for setup in ours)
    setups = [replace(setup, profile=profile) for profile in PROFILES for setup in ours]
    with tempfile.TemporaryDirectory() as logs, console.status("verifying"):
        passed = gate.check(around, server, setups, Path(logs))
    for profile in PROFILES:
        for table in _costs(passed, profile):
            console.print(table)
    found = parity.rows(passed.facts)
    for part in (parity_table.table(found), *parity_table.lines(found)):
        console.print(part, highlight=False)
    if passed.unchecked:
        console.print(f"not checked: {passed.unchecked}", style="yellow")
    names = list(dict.fromkeys(setup.service for setup in ours))
    shown = ", ".join(map(catalogue.marked, names))
    console.print(
        f"{_answering(len(names))} in both profiles ({passed.checks} checks each): {shown}",
        highlight=False,
    )
    options.say(console, catalogue.cautions(names))


def _answering(services: int) -> str:
    return "1 service gives the right answers" if services == 1 else f"{services} services give the same answers"


def _measurable(console: Console, around: FleetSettings, server: Database, setup: Setup) -> bool:
    """Show which operations a target answers; return whether it can be measured in any scenario."""
    with console.status(f"verifying target {setup.service}"):
        found = gate.survey_target(around, server, setup)
    table = Table(f"{setup.service}\n{setup.url}", "checks", "answers", box=SIMPLE_HEAD, pad_edge=False)
    for operation, (checks, wrong) in found.items():
        answered = str(wrong[0]).partition(": ")[2] if wrong else "as the contract says"
        table.add_row(operation, f"{checks - len(wrong)} of {checks}", Text(answered))
    console.print(table)
    right = {operation for operation, (_, wrong) in found.items() if not wrong}
    names = [name for name, one in catalogue.scenarios().items() if set(one.operations) <= right]
    said = ", ".join(names) or "none; a scenario needs all of its operations: point_read needs read_user"
    console.print(f"scenarios that can be measured for {setup.service}: {said}", highlight=False)
    return bool(names)


def _costs(passed: Verification, profile: str) -> Iterator[Table]:
    """Round trips, statements and transactions of one call of each operation, as they were counted.

    Several tables, where one would be too wide.
    """
    every = sorted((setup for setup in passed.costs if setup.profile == profile), key=lambda one: one.described.port)
    counted = {_heading(setup): passed.costs[setup] for setup in every}
    used = {heading: costs for heading, costs in counted.items() if any(cost.round_trips for cost in costs.values())}
    for some in range(0, len(used), IN_ONE_TABLE):
        yield _table_of(dict(islice(used.items(), some, some + IN_ONE_TABLE)), profile)


def _table_of(used: Mapping[str, Mapping[str, Cost]], profile: str) -> Table:
    headings = list(used)
    table = Table(f"{profile}:\nround trips / statements / transactions", *headings, box=SIMPLE_HEAD, pad_edge=False)
    for operation in dict.fromkeys(name for costs in used.values() for name in costs):
        found = [costs.get(operation) for costs in used.values()]
        if any(cost is not None and cost.round_trips for cost in found):
            table.add_row(operation, *("" if cost is None else _shown(cost) for cost in found))
    return table


def _heading(setup: Setup) -> str:
    """A service, below it a driver that is not its usual one."""
    driver = f"\n{setup.described.unusual_driver}" if setup.described.unusual_driver else ""
    return catalogue.marked(setup.service).replace("_", "\n_") + driver


def _shown(cost: Cost) -> str:
    return f"{cost.round_trips:g} / {_known(cost.statements)} / {_known(cost.transactions)}"


def _known(count: float | None) -> str:
    return "?" if count is None else f"{count:g}"
