"""`bench list`: what there is to measure."""

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby

import click
from rich.table import Table

from bench.commands import options
from bench.measure import job
from bench.measure.job import RunRequest
from bench.plan import file, servers
from bench.report.formats import minutes
from suite import catalogue
from suite.service import Service

KINDS = ("driver", "query builder", "ORM", "")


@click.command("list")
def list_() -> None:
    """Show the services, scenarios, servers and plans."""
    console = options.console()
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
    services = list(catalogue.services().values())
    for table in (_services(services), scenarios, serving, listed):
        console.print(table)
    for line in _remarks(services):
        console.print(line, highlight=False)
    console.print("to measure: bench run --plan NAME --services NAME,NAME --scenarios NAME")


def _services(services: Iterable[Service]) -> Table:
    """By kind, the synchronous ones first; those without a database last."""
    columns = ("kind", "service", "mode", "port", "version", "released", "downloads")
    table = Table(*columns, title="Services", title_justify="left")
    every = sorted(services, key=lambda one: (KINDS.index(one.kind), one.mode != "sync"))
    for kind, group in groupby(every, key=lambda one: one.kind):
        table.add_section()
        for one in group:
            drivers = f" on {' or '.join(one.drivers)}" if one.drivers else ""
            name = f"{catalogue.marked(one.name)}{drivers}"
            table.add_row(kind or "no database", name, one.mode, str(one.port), *_release(one))
    return table


def _release(service: Service) -> tuple[str, str, str]:
    """The version that is installed, when it was released and its place among downloads, as far as it is known."""
    if service.release is None:
        return "", "", ""
    try:
        installed = version(service.release.library)
    except PackageNotFoundError:
        return "not installed", "", ""
    of_lock = service.release.version == installed
    rank = service.release.downloads_rank
    return installed, service.release.date.isoformat() if of_lock else "", f"#{rank:,}" if rank else ""


def _remarks(services: Iterable[Service]) -> Iterator[str]:
    yield "downloads: place among all packages of PyPI in November 2026, where it is among the first 15,000"
    for service in services:
        if service.warning:
            yield f"{service.caution}; it is used only by name"
        if service.state:
            yield f"{service.name}: {service.state}"
        if absent := catalogue.missing(service.libraries):
            yield f"{service.name} needs {', '.join(absent)}: {catalogue.how_to_install(absent[0])}"
