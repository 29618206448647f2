"""`bench trace`: one request's whole conversation, from its client to PostgreSQL and back."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from bench.commands import options
from bench.measure import database, preflight, traced
from bench.plan import model
from db.data import dataset, restore
from suite import catalogue

EPILOG = """
\b
Examples:
  bench trace asyncpg_async read_user                       what the pool's reset adds to one query
  bench trace asyncpg_async read_user --profile lean        the same without it
  bench trace sqlalchemy_async update_user                  an ORM loads a row before it changes it
  bench trace psycopg2_sync read_many --query count=5
"""


class QueryParameter(click.ParamType[tuple[str, str]]):
    """One query parameter."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign."""
        name, equals, given = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not a query parameter; write NAME=VALUE", param, ctx)
        return name, given


@click.command(epilog=EPILOG)
@click.argument("service")
@click.argument("operation")
@click.option("--profile", type=click.Choice(get_args(model.Profile)), default="idiomatic", show_default=True)
@click.option("--driver", metavar="NAME", help="The driver below SERVICE; by default its usual one.")
@click.option("--query", type=QueryParameter(), multiple=True, help="A query parameter of the request; repeatable.")
@options.scale
@options.database_url
@options.pooler
def trace(
    service: str,
    operation: str,
    profile: str,
    driver: str | None,
    query: tuple[tuple[str, str], ...],
    scale: float,
    database_url: str | None,
    pooler: str,
) -> None:
    """Show one request of a warm SERVICE, message by message. OPERATION is one of the contract, such as read_user.

    Each line is an event at the client, in the service or on the wire to PostgreSQL, in ms since the client sent the
    request. The last line says when the connection was free again, relative to the response. The pool has two
    connections.
    """
    console = options.console()
    setup = replace(traced.setup_of(service, operation, profile), pooler=pooler)
    setup = replace(setup, driver=catalogue.service(service, driver).driver) if driver else setup
    with database.opened(database_url, services=[setup.described]) as server, tempfile.TemporaryDirectory() as logs:
        options.say(console, preflight.check_pooler(server, [pooler]))
        with console.status(f"loading the dataset, scale {scale:g}"):
            database.loaded(server, scale)
            restore.restore(server.dsn)
        with console.status(f"warming up {service}"):
            users = dataset.size(scale).users
            story = traced.traced(setup, operation, dict(query), server.dsn, users, Path(logs))
            restore.restore(server.dsn)
    lines = [f"{service} ({setup.runs_as}): {operation}", "", *map(str, story.lines), "", story.summary]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
