"""What can be known before anything is started: ports, open files, disk, connections."""

import resource
import socket
from collections.abc import Iterable, Sequence

from bench import catalogue, load, results, targets
from bench.errors import PreflightError
from bench.plan import Cell, Load, Plan, Setup
from bench.serving import LOOPBACK, check_ports
from services.contract.operations import OPERATIONS

SPARE_FILES = 200
BYTES_PER_SAMPLE = 20
LIKELY_MOST_RPS = 20_000
LOGS_MB = 50


def check(plan: Plan, cells: Sequence[Cell], bind_host: str = LOOPBACK) -> None:
    """Raise PreflightError, ServiceError or ResultsError that names what stands in the way, and the remedy."""
    services = sorted({catalogue.service(cell.service).port for cell in cells if not cell.setup.url})
    check_ports([*services, catalogue.external().port])
    if services:
        check_operations(plan.matrix.scenarios)
    if bind_host != LOOPBACK:
        check_bind_host(bind_host, cells)
        check_ports(services, bind_host)
    if plan.load.distributed:
        check_ports([load.MASTER_PORT], bind_host, "spread the load over one process only (--load-workers 1)")
    for setup in dict.fromkeys(cell.setup for cell in cells if cell.setup.url):
        targets.check_reachable(setup)
    check_open_files(max(most_sockets(cell, plan.load) for cell in cells))
    seconds = sum(load.expected_s(cell, plan.load) for cell in cells) * plan.rounds.count
    results.check_space(seconds * LIKELY_MOST_RPS * BYTES_PER_SAMPLE / 1e6 + LOGS_MB)


def most_sockets(cell: Cell, load: Load) -> int:
    """The most sockets that one process of this machine opens for a cell's users: Locust's, or the service's."""
    of_load = -(-cell.users // load.all_workers) if load.workers_here else 0
    if cell.setup.url:
        return of_load
    # A service that calls the external API holds a connection to it for each of its users.
    calls = "synchronize_note" in catalogue.scenario(cell.scenario).operations
    return max(of_load, cell.users * (2 if calls else 1))


def check_operations(scenarios: Iterable[str]) -> None:
    """Raise PreflightError when a scenario asks for what no service of the suite answers."""
    for name in scenarios:
        if unknown := set(catalogue.scenario(name).operations) - set(OPERATIONS):
            raise PreflightError(
                f"scenario {name} calls {', '.join(sorted(unknown))}, which services/contract does not have: only a"
                ' target can answer it (--services "" --target NAME=URL)'
            )


def check_bind_host(address: str, cells: Sequence[Cell]) -> None:
    """Raise PreflightError for what is no address of this machine, or stands for all of them."""
    example = "--bind-host takes one address of this machine that other machines reach, such as 192.0.2.7"
    if address in {"0.0.0.0", "*", ""}:  # noqa: S104  # refused
        raise PreflightError(f"{address!r} is no address that other machines could be told; {example}")
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except (OSError, UnicodeError):
            raise PreflightError(f"this machine cannot listen on {address!r}; {example}") from None
    if any(cell.setup.server != "gunicorn" for cell in cells):
        raise PreflightError("--bind-host needs --server gunicorn: uvicorn listens on one address only")


def check_open_files(sockets: int) -> None:
    """Raise PreflightError when a process may not open so many sockets, one or two for each user."""
    needed = sockets + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < needed:
        raise PreflightError(
            f"the plan's users need {needed} open files in a process and the limit is {hard}; raise it with"
            f" `ulimit -Hn {needed}` (as root) or use fewer --users"
        )


def most_connections(setups: Iterable[Setup]) -> int:
    """The most connections that services side by side, one setup of each, can hold."""
    largest: dict[str, int] = {}
    for setup in setups:
        largest[setup.service] = max(setup.connections, largest.get(setup.service, 0))
    return sum(largest.values())
