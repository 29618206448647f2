"""`bench up` and `bench ui`: database and services running until Ctrl-C, with Locust's web UI or without."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.table import Table

from bench.commands import options
from bench.measure import database, preflight, progress
from bench.measure.fleet import orphans
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.fleet.processes import Child
from bench.measure.fleet.serving import check_ports
from bench.measure.gate import proof
from bench.plan import matrix, outside
from db.address.dsn import Dsn
from db.data import dataset, restore
from suite import catalogue, trust
from suite.errors import LoadError

UI_PORT = 8089
POLL_EVERY_S = 0.5
LOCUST_PATIENCE_S = 1.0  # it would wait for its users' answers; everything must stop within 5 s


@click.command()
@options.services
@options.scale
@options.database_url
@options.pooler
def up(services: list[str] | None, scale: float, database_url: str | None, pooler: str) -> None:
    """Start the database and the services until Ctrl-C.

    \b
    Example:
      bench up --services asyncpg_async      then: curl http://127.0.0.1:8002/users/1
    """
    console = options.console()
    with _running(services, scale, database_url, pooler, console) as (fleet, _):
        console.print("press Ctrl-C to stop them", style="bold")
        _wait(fleet)


@click.command()
@click.option(
    "--scenario",
    default="point_read",
    show_default=True,
    metavar="NAME|FILE",
    help="The scenario selected when the page opens, by name or by its file (./mine.py).",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=UI_PORT, show_default=True, help="The web UI's port on 127.0.0.1."
)
@options.services
@options.scale
@options.database_url
@options.pooler
def ui(
    scenario: str, port: int, services: list[str] | None, scale: float, database_url: str | None, pooler: str
) -> None:
    """Start database, services, the external API and Locust's web UI until Ctrl-C. All listen on 127.0.0.1 only.

    The page offers every scenario. Under "Custom parameters" are the services (one, several side by side, or all), how
    requests arrive, the rate and the scenarios' own parameters. The tab "Services" shows once a second what the
    services and PostgreSQL are doing. Nothing is written to results/: use bench run to measure.

    \b
    Examples:
      bench ui                                           then open http://127.0.0.1:8089 and press Start
      bench ui --scenario crud                           another scenario is selected first
      bench ui --scenario ./mine.py                      a scenario of your own, from any folder, beside all others
      bench ui --services asyncpg_async,psycopg2_sync    start and offer only these
      bench ui --port 8090 --scale 0.1                   another port; 100,000 users in the database
    """
    console = options.console()
    own = outside.of_options(scenario, "--scenario")
    given = trust.read(os.environ.get(trust.VARIABLE, ""), trust.VARIABLE)
    chosen = catalogue.scenario(outside.name_of(scenario), own)
    for one in own.values():
        outside.check_beside_all(one)
    check_ports([port], remedy="choose another port with --port")
    with (
        _running(services, scale, database_url, pooler, console) as (fleet, dsn),
        tempfile.TemporaryDirectory() as folder,
    ):
        files = ",".join(dict.fromkeys(str(one.path) for one in (chosen, *catalogue.scenarios().values())))
        command = [
            sys.executable, "-m", chosen.program, "-f", files, "--class-picker",
            "--web-host", "127.0.0.1", "--web-port", str(port), "--users", "1000", "--spawn-rate", "250",
            "--stop-timeout", "35", "--dataset-users", str(dataset.size(scale).users), chosen.user,
        ]  # fmt: skip
        # The URL has a password, and every user can read a command line.
        trusted = {trust.VARIABLE: given.file} if given.file else {}
        environment = trusted | {"HOME": folder, "DATABASE_URL": dsn.url, "BENCH_SERVICES": ",".join(fleet.names())}
        locust = Child(command, log=Path(folder) / "locust.log", cwd=Path(folder), environment=environment)
        try:
            _wait_for_ui(locust, port)
            console.print(f"\nLocust's web UI: [bold]http://127.0.0.1:{port}[/]   press Ctrl-C to stop")
            _wait(fleet, locust)
        finally:
            locust.stop(LOCUST_PATIENCE_S)


@contextmanager
def _running(
    services: list[str] | None, scale: float, database_url: str | None, pooler: str, console: Console
) -> Iterator[tuple[Fleet, Dsn]]:
    chosen = options.chosen(console, services or None)
    preflight.check_descriptions(chosen)
    names = [service.name for service in chosen]
    setups = [replace(matrix.default_setup(name), pooler=pooler) for name in names]
    orphans.end(console)
    check_ports([service.port for service in chosen])
    if any(service.needs_database for service in chosen):
        check_ports([catalogue.external().port], remedy="start no_database alone, which calls no external API")
    try:
        with database.opened(database_url, services=chosen) as server, tempfile.TemporaryDirectory() as logs:
            options.say(console, preflight.check_pooler(server, [pooler]))
            with progress.shares(console, f"loading scale {scale:g}") as report:
                database.loaded(server, scale, report)
                restore.restore(server.dsn)
            surroundings = FleetSettings(server.dsn.url, dataset.size(scale).users, ())
            with Fleet(surroundings) as fleet:
                with console.status("starting the services"):
                    fleet.start({setup: Path(logs) / f"{setup.service}.log" for setup in setups})
                    proof.check_services(server.dsn, setups)
                table = Table("service", "address", "try")
                for name in names:
                    url = catalogue.service(name).url
                    table.add_row(catalogue.marked(name), url, f"curl {url}/users/1")
                console.print(f"the {server}", highlight=False, soft_wrap=True)
                console.print(table)
                options.say(console, catalogue.cautions(names))
                yield fleet, server.dsn
    finally:
        console.print("everything has stopped")


def _wait(fleet: Fleet, locust: Child | None = None) -> None:
    """Return on Ctrl-C's KeyboardInterrupt only; raise when a child ends by itself."""
    while True:
        time.sleep(POLL_EVERY_S)
        fleet.check_all_alive()
        if locust is not None and locust.exit_code() is not None:
            raise LoadError(f"Locust ended with exit code {locust.exit_code()}:\n{locust.log_tail()}")


def _wait_for_ui(locust: Child, port: int, timeout_s: float = 20.0) -> None:
    if not locust.wait_until(lambda: _answers(port), timeout_s, 0.1):
        raise LoadError(f"Locust's web UI did not start on port {port}:\n{locust.log_tail()}")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
