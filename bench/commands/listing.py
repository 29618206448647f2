"""`bench list`: what there is to measure."""

import tomllib

import click
from rich.table import Table

from bench import catalogue
from bench.commands import options


@click.command("list")
def list_() -> None:
    """Show the services, scenarios and plans."""
    console = options.console()
    services = Table("service", "what it is", "mode", "port", title="Services", title_justify="left")
    for service in catalogue.services().values():
        services.add_row(service.name, service.title, service.mode, str(service.port))
    scenarios = Table("scenario", "what a user does", "operations", title="Scenarios", title_justify="left")
    for scenario in catalogue.scenarios().values():
        scenarios.add_row(scenario.name, scenario.summary, ", ".join(scenario.operations))
    plans = Table("plan", "its question", title="Plans", title_justify="left")
    for name, path in catalogue.plans().items():
        plans.add_row(name, tomllib.loads(path.read_text()).get("question", ""))
    for table in (services, scenarios, plans):
        console.print(table)
    console.print("measure one with: bench run --plan NAME --services NAME,NAME --scenarios NAME")
