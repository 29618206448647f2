"""`bench doctor`: is this machine ready, and what can it not measure?"""

import shutil
import sys
from collections.abc import Iterator

import click
from rich.table import Table

from bench.commands import options
from bench.measure import database, environment, preflight
from bench.measure.database import Database
from bench.measure.fleet import orphans
from bench.measure.fleet.serving import check_ports
from bench.measure.named import moving
from bench.measure.watch import busy, limits
from bench.measure.watch.busy import Busy
from bench.plan import file, matrix, placement
from bench.store import runs
from db import gaps, ports, server
from db.data import loader
from db.rights import Rights
from suite import catalogue
from suite.errors import BenchError

DEFAULT_USERS = 1000
WANTED_SPACE_MB = 2000

THROTTLED = "cells that it stops are INVALID; lift it, or give a container whole CPUs (docker run --cpuset-cpus)"

Finding = tuple[str, str, str]  # what, "ok" | "note" | "error", how it is


EPILOG = """
\b
Examples:
  bench doctor                                                     check with the private PostgreSQL
  bench doctor --database-url postgresql://bench@127.0.0.1/bench   with another; PGPASSWORD can hold its password
"""


@click.command(epilog=EPILOG)
@click.option("--database-url", metavar="URL", help="Check this PostgreSQL instead of the private one.")
def doctor(database_url: str | None) -> int:
    """Check this machine; exit with 1 if a run could not start."""
    console = options.console()
    table = Table("what", "", "how it is", title=environment.described(environment.machine()), title_justify="left")
    findings = [*_machine(), *_ports(), *_database(database_url)]
    style = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "error": "[bold red]error[/]"}
    for what, state, how in findings:
        table.add_row(what, style[state], how)
    console.print(table)
    broken = any(state == "error" for _, state, _ in findings)
    console.print("a run cannot start: fix the lines marked as errors" if broken else "ready: make bench")
    return 1 if broken else 0


def _machine() -> Iterator[Finding]:
    yield "python", "ok", sys.version.split()[0]
    cpus = placement.available_cpus()
    placed = placement.place(cpus, 1)
    if placed.service:
        yield "CPUs", "ok", f"{len(cpus)}: {placed}"
    else:
        yield "CPUs", "note", "not placed by role: service, load and database share all CPUs"
    if (limit := limits.cpus()) is not None:
        yield "CPU limit", "note", f"{limit:g} of {len(cpus)} CPUs: {THROTTLED}"
    yield _other_work(busy.Watch(()).seen())
    left = [*orphans.named(), *filter(None, [moving.left()])]
    remedy = ": the next run ends or moves back what is left"
    yield "left behind", "note" if left else "ok", ", ".join(left) + remedy if left else "no process of a killed run"
    try:
        preflight.check_open_files(DEFAULT_USERS)
        yield "open files", "ok", f"enough for {DEFAULT_USERS} users"
    except BenchError as error:
        yield "open files", "error", str(error)
    free_mb = shutil.disk_usage(catalogue.CHECKOUT).free / 1e6
    yield "disk", "ok" if free_mb > WANTED_SPACE_MB else "note", f"{free_mb / 1000:.1f} GB free"
    try:
        runs.lock().close()
        yield "results/", "ok", "writable, no other run is active"
    except BenchError as error:
        yield "results/", "error", str(error)


def _other_work(found: Busy) -> Finding:
    return "other work", "ok" if found.quiet else "note", found.words(f"during {found.seconds:.0f} s")


def _ports() -> Iterator[Finding]:
    for service in catalogue.usual().values():
        try:
            check_ports([service.port])
        except BenchError as error:
            yield f"port {service.port}", "error", f"{service.name}: {error}"
    free = not ports.answers(8089)
    yield "port 8089", "ok" if free else "note", "free for Locust's web UI" if free else "taken: make ui cannot start"


def _database(url: str | None) -> Iterator[Finding]:
    planned = placement.place(placement.available_cpus(), 1)
    try:
        # A named server stays where it is: a run alone moves it.
        with database.opened(url, () if database.named(url) else planned.database) as found:
            placed = placement.as_it_is(planned, database_placed=found.placed, database_movable=found.movable)
            for note in placement.notes(placed):
                yield "placement", "note", note.text
            yield "database", "ok", f"{found}, version {server.settings(found.dsn)['server_version']}"
            yield from _pooler(found)
            loaded = loader.inspect(found.dsn)
            yield "dataset", "ok" if loaded else "note", f"scale {loaded.scale:g}" if loaded else "loaded on first use"
            if found.unseen:
                yield "processes", "note", f"{database.UNWATCHED}: {found.unseen}"
            elif not found.private:
                yield "processes", "ok", f"PostgreSQL is pid {found.pid}{_before(found.poolers)}, and will be watched"
            if found.rights is not None:
                yield from _rights(found.rights, loaded=loaded is not None)
    except BenchError as error:
        yield "database", "error", str(error)


def _before(poolers: tuple[int, ...]) -> str:
    return f", behind a pooler (pid {', '.join(map(str, poolers))})" if poolers else ""


def _rights(found: Rights, *, loaded: bool) -> Iterator[Finding]:
    """What a run of the default plan will and will not know with this role, and what allows it."""
    planned = file.read(file.find("default"))
    setups = [cell.setup for cell in matrix.cells(planned)]
    needed = preflight.most_connections(setups, in_turns=planned.rounds.slices > 1) + database.SPARE_CONNECTIONS
    for one in gaps.findings(found, needed=needed, loaded=loaded):
        yield one.about, "error" if one.forbids else "note" if one.remedy else "ok", str(one)


def _pooler(found: Database) -> Iterator[Finding]:
    if found.pooler is None:
        return
    how = f"{found.pooler}: use --pooler transaction, or the server's own address" if found.pooler.shares else ""
    yield "pooler", "note", how or str(found.pooler)
