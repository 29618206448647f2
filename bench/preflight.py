"""What can be known before anything is started: ports, open files, disk, connections."""

import resource
from collections.abc import Iterable, Sequence

from bench import catalogue, load, results, targets
from bench.errors import PreflightError
from bench.plan import Cell, Plan, Setup
from bench.serving import check_ports
from services.contract import OPERATIONS

SPARE_FILES = 200
BYTES_PER_SAMPLE = 20
LIKELY_MOST_RPS = 20_000
LOGS_MB = 50


def check(plan: Plan, cells: Sequence[Cell]) -> None:
    """Raise PreflightError, ServiceError or ResultsError that names what stands in the way, and the remedy."""
    own = {catalogue.service(cell.service).port for cell in cells if not cell.setup.url}
    check_ports(sorted(own | {catalogue.external().port}))
    if own:
        check_operations(plan.matrix.scenarios)
    for setup in dict.fromkeys(cell.setup for cell in cells if cell.setup.url):
        targets.check_reachable(setup)
    check_open_files(max(cell.users for cell in cells))
    seconds = sum(load.expected_s(cell, plan.load) for cell in cells) * plan.rounds.count
    results.check_space(seconds * LIKELY_MOST_RPS * BYTES_PER_SAMPLE / 1e6 + LOGS_MB)


def check_operations(scenarios: Iterable[str]) -> None:
    """Raise PreflightError when a scenario asks for what no service of the suite answers."""
    for name in scenarios:
        if unknown := set(catalogue.scenario(name).operations) - set(OPERATIONS):
            raise PreflightError(
                f"scenario {name} calls {', '.join(sorted(unknown))}, which services/contract.py does not have: only a"
                ' target can answer it (--services "" --target NAME=URL)'
            )


def check_open_files(users: int) -> None:
    """Raise PreflightError when a process may not open a socket for each user."""
    needed = users + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < needed:
        raise PreflightError(
            f"{users} users need {needed} open files and the limit is {hard}; raise it with `ulimit -Hn {needed}`"
            " (as root) or use fewer --users"
        )


def most_connections(setups: Iterable[Setup]) -> int:
    """The most connections that services side by side, one setup of each, can hold."""
    largest: dict[str, int] = {}
    for setup in setups:
        largest[setup.service] = max(setup.connections, largest.get(setup.service, 0))
    return sum(largest.values())
