"""`bench db`: the private PostgreSQL and its dataset, managed by hand."""

import os

import click

from bench.commands import options
from bench.measure import database, progress
from db.data import dataset, loader, restore
from db.private import embedded
from suite import catalogue
from suite.errors import DatabaseError

EPILOG = """
\b
Examples:
  bench db start              start it; `bench run` then uses it, and it keeps running afterwards
  bench db load --scale 0.1   a dataset with 100,000 users
  bench db url                print its address with the password, for your own application
  bench db reset              delete it; the next start makes a new one
"""


@click.group(epilog=EPILOG)
def db() -> None:
    """Start, load, stop or delete the private PostgreSQL."""


@db.command()
@click.option("--port", type=int, help="Port on 127.0.0.1. By default a free one.")
def start(port: int | None) -> None:
    """Start the private PostgreSQL and leave it running."""
    running = embedded.start(embedded.locate(catalogue.CHECKOUT), detached=True, port=port)
    state = "was already running" if running.reused else "is running"
    options.console().print(
        f"PostgreSQL {state} at {running.dsn.redacted} (pid {running.pid})\n"
        'for your own application: bench db load, then DATABASE_URL="$(bench db url)"',
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@db.command()
def url() -> None:
    """Print the private PostgreSQL's address with its password.

    \b
    Example:
      DATABASE_URL="$(bench db url)" uvicorn myapp:app --port 9000
    """
    running = embedded.running(embedded.locate(catalogue.CHECKOUT))
    if running is None:
        raise DatabaseError("the private PostgreSQL is not running; start it with: bench db start")
    click.echo(running.dsn.url)


@db.command()
@options.scale
@options.database_url
def load(scale: float, database_url: str | None) -> None:
    """Load the dataset if it is not there yet, and verify its checksum."""
    users, expected = dataset.size(scale).users, os.environ.get("DATASET_USERS")
    if expected and expected != str(users):
        raise DatabaseError(
            f"DATASET_USERS is {expected}, but scale {scale:g} has {users} users, so services and load would ask for"
            f" other rows; set DATASET_USERS={users}"
        )
    console = options.console()
    with database.opened(database_url) as server, progress.shares(console, f"loading scale {scale:g}") as report:
        loaded = loader.load(server.dsn, scale, report)
        restore.restore(server.dsn)
    console.print(
        f"scale {loaded.scale:g}: {loaded.size.users:,} users, {loaded.size.products:,} products,"
        f" {loaded.size.orders:,} orders, {loaded.size.order_items:,} order items, {loaded.size.notes:,} notes;"
        f" checksum {loaded.checksum}",
        highlight=False,
        soft_wrap=True,
    )


@db.command()
@options.scale
@options.database_url
def check(scale: float, database_url: str | None) -> None:
    """Read every row, and compare the dataset with its checksum."""
    with database.opened(database_url) as server:
        loaded = loader.check(server.dsn, scale, contents=True)
    options.console().print(
        f"the dataset of scale {loaded.scale:g} is complete: checksum {loaded.checksum}", highlight=False
    )


@db.command()
def stop() -> None:
    """Stop the private PostgreSQL, and keep its data."""
    stopped = embedded.stop(embedded.locate(catalogue.CHECKOUT))
    options.console().print("stopped" if stopped else "the private PostgreSQL was not running")


@db.command()
@click.option("--yes", is_flag=True, help="Delete without asking.")
def reset(yes: bool) -> None:
    """Stop the private PostgreSQL and delete its data."""
    cluster = embedded.locate(catalogue.CHECKOUT)
    if not cluster.home.exists():
        options.console().print("there is no private PostgreSQL to delete")
        return
    if not yes and not click.confirm(f"delete the private PostgreSQL in {cluster.home}?"):
        raise DatabaseError("nothing was deleted")
    embedded.destroy(cluster)
    options.console().print(f"deleted {cluster.home}", highlight=False, soft_wrap=True)
