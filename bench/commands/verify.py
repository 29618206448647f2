"""`bench verify`: does every service answer the contract?"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench import catalogue, database, gate, parity, plan, progress
from bench.commands import options
from bench.counts import Cost
from bench.gate import Passed
from bench.services import Surroundings
from db import dataset

EPILOG = """
\b
Examples:
  bench verify                                all services
  bench verify --services asyncpg_async       while writing one
"""

PROFILES: tuple[str, ...] = get_args(plan.Profile)


@click.command(epilog=EPILOG)
@options.services
@options.scale
@options.database_url
def verify(services: list[str] | None, scale: float, database_url: str | None) -> None:
    """Ask services everything in the contract, in both profiles, and count what each operation costs in the database.

    Exits with 3 when one does not answer as it must, not as the others do, or makes more or fewer round trips or
    statements than its service.toml says.
    """
    console = options.console()
    names = [catalogue.service(name).name for name in services or catalogue.services()]
    setups = [replace(plan.default_setup(name), profile=profile) for profile in PROFILES for name in names]
    users = dataset.size(scale).users
    with database.opened(database_url) as server, tempfile.TemporaryDirectory() as logs:
        with progress.shares(console, f"loading scale {scale:g}") as told:
            database.loaded(server, scale, told)
        with console.status("verifying"):
            passed = gate.check(Surroundings(server.dsn.url, users, ()), server, setups, Path(logs))
    for profile in PROFILES:
        console.print(_costs(passed, profile))
    found = parity.rows(passed.facts, catalogue.services())
    for part in (parity.table(found), *parity.lines(found)):
        console.print(part, highlight=False)
    if passed.unchecked:
        console.print(f"not checked: {passed.unchecked}", style="yellow")
    console.print(
        f"{len(names)} services answer alike in both profiles ({passed.checks} checks each): {', '.join(names)}",
        highlight=False,
    )


def _costs(passed: Passed, profile: str) -> Table:
    """Round trips and statements of one call of each operation, as they were counted."""
    counted = {setup.service: costs for setup, costs in passed.costs.items() if setup.profile == profile}
    used = {service: costs for service, costs in counted.items() if any(cost.round_trips for cost in costs.values())}
    headings = [service.replace("_", "\n_") for service in used]
    table = Table(f"{profile}:\nround trips / statements", *headings, box=SIMPLE_HEAD, pad_edge=False)
    for operation in dict.fromkeys(name for costs in used.values() for name in costs):
        found = [costs.get(operation) for costs in used.values()]
        if any(cost is not None and cost.round_trips for cost in found):
            table.add_row(operation, *("" if cost is None else _shown(cost) for cost in found))
    return table


def _shown(cost: Cost) -> str:
    return f"{cost.round_trips:g} / {_known(cost.statements)}"


def _known(statements: float | None) -> str:
    return "?" if statements is None else f"{statements:g}"
