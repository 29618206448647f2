"""`bench list`: what there is to measure."""

import click
from rich.table import Table

from bench.commands import options
from bench.measure import job
from bench.measure.job import RunRequest
from bench.plan import file, servers
from bench.report.formats import minutes
from suite import catalogue


@click.command("list")
def list_() -> None:
    """Show the services, scenarios, servers and plans."""
    console = options.console()
    services = Table("service", "library", "mode", "port", title="Services", title_justify="left")
    for service in catalogue.services().values():
        services.add_row(service.name, service.title, service.mode, str(service.port))
    scenarios = Table("scenario", "what a user does", "operations", title="Scenarios", title_justify="left")
    for scenario in catalogue.scenarios().values():
        scenarios.add_row(scenario.name, scenario.summary, ", ".join(scenario.operations))
    listed = Table("plan", "its question", "about", title="Plans", title_justify="left")
    for name, path in catalogue.plans().items():
        read = file.read(path)
        expected_s = job.decide(RunRequest(read, path, None, None)).expected_s(read.rounds.count)
        listed.add_row(name, read.question, minutes(expected_s))
    serving = Table("server", "what it is", title="Servers (--server)", title_justify="left")
    for server in servers.SERVERS.values():
        serving.add_row(server.name, server.title)
    for table in (services, scenarios, serving, listed):
        console.print(table)
    for service in catalogue.services().values():
        if service.state:
            console.print(f"{service.name}: {service.state}")
    console.print("to measure: bench run --plan NAME --services NAME,NAME --scenarios NAME")
