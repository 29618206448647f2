"""Checks before anything is started: ports, open files, disk, connections."""

import resource
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import get_args

from bench.analysis import parity
from bench.measure import load
from bench.measure.database import Database
from bench.measure.fleet import applications
from bench.measure.fleet.serving import check_ports
from bench.measure.gate import first_look
from bench.plan import turns
from bench.plan.costs import counted_as
from bench.plan.matrix import NO_POOLER, Cell, Setup
from bench.plan.model import Load, Plan, Profile
from bench.plan.note import Kind, Note
from bench.plan.servers import SERVERS, either
from bench.store import space
from db import ports
from db.ports import LOOPBACK
from services.contract.operations import OPERATIONS
from suite import catalogue, lookup
from suite.catalogue import Scenario
from suite.errors import CatalogueError, PreflightError
from suite.service import Service

SPARE_FILES = 200
BYTES_PER_SAMPLE = 20
LIKELY_MOST_RPS = 20_000
LOGS_MB = 50


def check(plan: Plan, cells: Sequence[Cell], bind_host: str = LOOPBACK, trusted: str = "") -> None:
    """Raise PreflightError, ServiceError or ResultsError that names what prevents the run, and the remedy.

    `trusted`: certificates (PEM) that a target may be signed with, beside the system's.
    """
    ours = [cell for cell in cells if not cell.setup.url]
    services = _ports(cell for cell in ours if not cell.once)
    landmarks = [port for port in _ports(ours) if port not in services]
    check_servers(dict.fromkeys(cell.setup.server for cell in ours))
    check_ports(services)
    check_ports(landmarks, remedy="use a plan without the service of this port in rounds.once")
    # Verification checks the whole contract, whatever the scenario.
    if any(cell.setup.url and cell.calls_external for cell in cells) or any(
        catalogue.service(cell.service).needs_database for cell in ours
    ):
        check_ports([catalogue.external().port], remedy="measure only services that call no external API")
    check_descriptions(dict.fromkeys(cell.setup.described for cell in ours))
    check_operations({cell.scenario: cell.outside or catalogue.scenario(cell.scenario) for cell in ours}.values())
    if bind_host != LOOPBACK:
        check_bind_host(bind_host, cells)
        check_ports([*services, *landmarks], bind_host)
    if plan.load.distributed:
        check_ports([load.MASTER_PORT], bind_host, "use one load process (--load-workers 1)")
    of_user = dict.fromkeys(replace(cell.setup, arm="") for cell in cells if cell.setup.url)
    applications.check(setup for setup in of_user if setup.is_started)
    for setup in of_user:
        if not setup.is_started:
            operations = {name for cell in cells if cell.service == setup.service for name in cell.operations}
            first_look.check(setup, operations, trusted)
    check_open_files(max(most_sockets(cell, plan.load) for cell in cells))
    seconds = sum(load.expected_s(cell, plan.load) for cell in cells) * plan.rounds.count
    space.check_space(seconds * LIKELY_MOST_RPS * BYTES_PER_SAMPLE / 1e6 + LOGS_MB)


def check_pooler(server: Database, asked: Iterable[str]) -> list[Note]:
    """What a pooler changes, as notes. `asked` has the values of matrix.pooler.

    Raises PreflightError when services without the settings for it would be behind a pooler that shares connections.
    """
    found = server.pooler
    if found is None:
        return []
    if not found.shares:
        text = f"{found} is before PostgreSQL: each connection of a service takes one of its connections to the server"
        return [Note("", Kind.POOLER, text)]
    if NO_POOLER in asked:
        raise PreflightError(
            f"{found} answers at {server.dsn.redacted}: it may give each transaction another session, which has no"
            " prepared statements of the last one. Use --pooler transaction (in a plan, matrix.pooler): services then"
            " have their library's settings for that. Or name the server's own address"
        )
    text = (
        f"{found} is before PostgreSQL, and is measured with it. The services prepare no statements, even if it could"
        " keep them (PgBouncer can since 1.21, with max_prepared_statements). PostgreSQL sees the pooler's connections:"
        " those of a service are left empty, and its transactions have the pooler's own among them"
    )
    return [Note("", Kind.POOLER, text)]


def _ports(cells: Iterable[Cell]) -> list[int]:
    return sorted({catalogue.service(cell.service).port for cell in cells})


def most_sockets(cell: Cell, load: Load) -> int:
    """The most sockets that one process of this machine, Locust or the service, opens for a cell's users."""
    of_load = -(-cell.users // load.all_workers) if load.workers_here else 0
    if not cell.setup.is_started:
        return of_load
    # A service that calls the external API holds a connection to it for each of its users.
    return max(of_load, cell.users * (2 if cell.calls_external else 1))


VARIANTS = [counted_as(one.name, variant) for one in OPERATIONS.values() for variant in one.variants]


def check_descriptions(services: Iterable[Service]) -> None:
    """Raise CatalogueError for an operation, a fact or a library in a service.toml that does not exist here."""
    for service in services:
        if absent := catalogue.missing(service.libraries):
            raise CatalogueError(
                f"{service.name} needs {absent[0]}, which is not installed: {catalogue.how_to_install(absent[0])}"
            )
        facts = [name for name in map(_without_profile, service.own) if not name.startswith(parity.VERSION)]
        named: list[tuple[str, Iterable[str], Collection[str]]] = [
            ("operations", service.operations or (), OPERATIONS),
            ("without", service.without, OPERATIONS),
            ("extra_statements", service.extra_statements, [*OPERATIONS, *VARIANTS]),
            ("uses", service.uses, OPERATIONS),
            ("in_transaction", service.in_transaction, OPERATIONS),
            ("pipelined", [name for one in service.pipelined.values() for name in one.operations], OPERATIONS),
            ("own", facts, parity.FACTS),
        ]
        for key, names, known in named:
            if wrong := next((name for name in names if name not in known), None):
                kind = "fact" if key == "own" else "operation"
                raise CatalogueError(
                    f"services/{service.name}/service.toml: {key}: there is no {kind} {wrong!r}"
                    f"{lookup.nearest(wrong, known)}; there are: {', '.join(known)}"
                )


def _without_profile(fact: str) -> str:
    """The fact that `idiomatic_protocol` is one of."""
    return next((fact.removeprefix(f"{one}_") for one in get_args(Profile) if fact.startswith(f"{one}_")), fact)


def check_servers(names: Iterable[str]) -> None:
    """Raise PreflightError for a server that is not installed: some are extras."""
    for name in names:
        for library in catalogue.missing([SERVERS[name].library]):
            raise PreflightError(f"the server {name} is not installed: {catalogue.how_to_install(library)}")


def check_operations(scenarios: Iterable[Scenario]) -> None:
    """Raise PreflightError when a scenario calls an operation that no service of the suite answers."""
    for scenario in scenarios:
        if unknown := set(scenario.operations) - set(OPERATIONS):
            raise PreflightError(
                f"scenario {scenario.name} calls {', '.join(sorted(unknown))}, which services/contract does not have:"
                ' only a target can answer it (--services "" --target NAME=URL)'
            )


def check_bind_host(address: str, cells: Sequence[Cell]) -> None:
    """Raise PreflightError unless this is one single address of this machine."""
    example = "--bind-host takes one address of this machine that other machines can reach, such as 192.0.2.7"
    if address in {"0.0.0.0", "*", ""}:  # noqa: S104  # refused
        raise PreflightError(f"{address!r} is not an address that other machines can use; {example}")
    if ports.refusal(0, address):
        raise PreflightError(f"this machine cannot listen on {address!r}; {example}")
    for name in dict.fromkeys(cell.setup.server for cell in cells if not cell.setup.url):
        if not SERVERS[name].takes_bind_host:
            able = either([one.name for one in SERVERS.values() if one.takes_bind_host])
            raise PreflightError(f"--bind-host needs --server {able}: {name} listens on one address only")


def check_open_files(sockets: int) -> None:
    """Raise PreflightError when a process may not open this many sockets."""
    needed = sockets + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < needed:
        raise PreflightError(
            f"the plan's users need {needed} open files in a process and the limit is {hard}; raise it with"
            f" `ulimit -Hn {needed}` (as root) or use fewer --users"
        )


def most_connections(setups: Sequence[Setup], *, in_turns: bool = False) -> int:
    """The most connections that the services can hold side by side: one setup of each, or all that take turns."""
    largest: dict[str, int] = {}
    for setup in setups:
        largest[setup.service] = max(setup.connections, largest.get(setup.service, 0))
    alone = sum(largest.values())
    return max(alone, min(sum(one.connections for one in setups), turns.MOST_CONNECTIONS)) if in_turns else alone
