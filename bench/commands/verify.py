"""`bench verify`: does every service answer the contract?"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click
from rich.table import Table

from bench import catalogue, database, gate, plan, progress
from bench import verify as verification
from bench.commands import options
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
    console.print(_costs(passed))
    if passed.unchecked:
        console.print(f"not checked: {passed.unchecked}", style="yellow")
    count = len(verification.checks(users))
    console.print(
        f"{len(names)} services answer alike in both profiles ({count} checks each): {', '.join(names)}",
        highlight=False,
    )


def _costs(passed: Passed) -> Table:
    """Round trips and statements of one call of each operation, as they were counted."""
    operations = list(dict.fromkeys(operation for costs in passed.costs.values() for operation in costs))
    shown = [
        name for name in operations if any(costs[name].round_trips for costs in passed.costs.values() if name in costs)
    ]
    table = Table("round trips / statements a call", *shown)
    for setup, costs in passed.costs.items():
        cells = [
            f"{costs[name].round_trips:g} / {_known(costs[name].statements)}" if name in costs else "" for name in shown
        ]
        table.add_row(f"{setup.service} ({setup.profile})", *cells)
    return table


def _known(statements: float | None) -> str:
    return "?" if statements is None else f"{statements:g}"
