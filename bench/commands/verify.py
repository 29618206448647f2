"""`bench verify`: does every service answer the contract?"""

import tempfile
from pathlib import Path

import click

from bench import catalogue, database, gate, plan
from bench import verify as verification
from bench.commands import options
from bench.services import Fleet, Surroundings
from db import dataset

EPILOG = """
\b
Examples:
  bench verify                                all services
  bench verify --services asyncpg_async       while writing one
"""


@click.command(epilog=EPILOG)
@options.services
@options.scale
@options.database_url
def verify(services: list[str] | None, scale: float, database_url: str | None) -> None:
    """Ask services everything in the contract.

    Exits with 3 when one does not answer as it must, or not as the others do.
    """
    console = options.console()
    names = [catalogue.service(name).name for name in services or catalogue.services()]
    setups = [plan.default_setup(name) for name in names]
    users = dataset.size(scale).users
    with database.opened(database_url) as server, tempfile.TemporaryDirectory() as logs:
        with console.status(f"loading the dataset, scale {scale:g}"):
            database.loaded(server, scale)
        with console.status("verifying"), Fleet(Surroundings(server.dsn.url, users, ())) as fleet:
            gate.check(fleet, server, users, setups, Path(logs))
    count = len(verification.checks(users))
    console.print(f"{len(names)} services answer alike ({count} checks): {', '.join(names)}", highlight=False)
