"""Compares each service with the same read as its library's documentation writes it (tests/tutorial), in slices.

Both run at the same time and take turns, as cells of a plan do, with the same server, pool and load. New processes in
each round. A service that takes more CPU time than its tutorial would charge something of ours to its library.
"""

import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis import summary
from bench.measure import cell, database, load
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.turns import heat
from bench.plan import matrix, model, placement, servers
from bench.plan.matrix import Cell
from bench.selfbench import figures
from db import ports
from db.data import dataset
from suite import catalogue
from suite.errors import LoadError

ROUNDS = 8
SLICES, SLICE_S, WARM_UP_S = 12, 0.5, 2.0
USERS = 1000
SCALE = 0.01
MOST_UPPER = 1.05  # of a service's CPU time / its tutorial's
# psycopg2's pool raises when it is empty. So the tutorials of synchronous libraries have a connection for each thread,
# and the services beside them, too.
POOL_SIZES = {"async": 10, "sync": 40}


@dataclass(frozen=True)
class ServiceAndTutorial:
    """CPU time of the service per request (ms) in one round: ours and the tutorial's."""

    ours_ms: float
    tutorial_ms: float

    @property
    def ratio(self) -> float:
        """Ours / the tutorial's."""
        return self.ours_ms / self.tutorial_ms


def with_tutorial() -> list[str]:
    """All services that have a tutorial, in the order of the catalogue."""
    return [
        name for name in catalogue.services() if (catalogue.CHECKOUT / "tests" / "tutorial" / f"{name}.py").exists()
    ]


def measure(
    services: Sequence[str], say: Callable[[str], None], rounds: int = ROUNDS
) -> dict[str, list[ServiceAndTutorial]]:
    """For each service, measure rounds of slices beside its tutorial, and print ours / tutorial.

    Raises LoadError when a request failed, or nothing was measured: then there is nothing to compare.
    """
    placed, users = placement.place(placement.available_cpus(), 1), dataset.size(SCALE).users
    found: dict[str, list[ServiceAndTutorial]] = {}
    say(f"{rounds} rounds of {SLICES} slices of {SLICE_S:g} s each, point reads, new processes a round")
    with tempfile.TemporaryDirectory() as name, database.opened(None, placed.database) as server:
        database.loaded(server, SCALE)
        for service in services:
            found[service] = []
            with Fleet(FleetSettings(server.dsn.url, users, placed.service), calls=False) as fleet:
                for number in range(rounds):
                    folder = Path(name) / f"{service}-{number}"
                    found[service].append(_round(_cells(service), fleet, server, placed, folder, number))
                    fleet.stop()
            say(_line(service, found[service]))
    return found


def _line(service: str, pairs: Sequence[ServiceAndTutorial]) -> str:
    ours, theirs = (sum(getattr(one, side) for one in pairs) / len(pairs) for side in ("ours_ms", "tutorial_ms"))
    target = figures.TargetRange(high=MOST_UPPER)
    return figures.ratio(f"{service}: {ours:.3f} ms / tutorial {theirs:.3f} ms", [one.ratio for one in pairs], target)


def _cells(service: str) -> tuple[Cell, Cell]:
    """The service and its tutorial, which is served by the same command line."""
    port, url_of = ports.free(), "http://127.0.0.1:{}".format
    command = [sys.executable, "-m", *servers.DEFAULT.command(f"tests.tutorial.{service}:app", "127.0.0.1", port, 1)]
    pool_size = POOL_SIZES[catalogue.service(service).mode]
    plan = _plan(service, pool_size)
    tutorial = model.Target(
        name=f"{service}-tutorial", url=url_of(port), command=shlex.join(command), folder=str(catalogue.CHECKOUT)
    )
    ours, theirs = matrix.cells(plan.model_copy(update={"targets": [tutorial]}))
    return ours, theirs


def _plan(service: str, pool_size: int) -> model.Plan:
    return model.Plan(
        matrix=model.Matrix(scenarios=["point_read"], services=[service], pool_size=[pool_size], users=[USERS]),
        load=model.Load(warm_up_s=WARM_UP_S, measure_s=SLICES * SLICE_S),
        rounds=model.Rounds(slices=SLICES),
    )


def _round(
    cells: tuple[Cell, Cell],
    fleet: Fleet,
    server: database.Database,
    placed: placement.Placement,
    folder: Path,
    number: int,
) -> ServiceAndTutorial:
    plan, users = _plan(cells[0].service, cells[0].setup.pool_size), fleet.settings.dataset_users
    attempts = []
    for one in cells:
        (own := folder / one.slug).mkdir(parents=True)
        address = one.setup.url or catalogue.service(one.service).url
        target = load.LoadTarget(address, users, number, placed.load)
        attempts.append(cell.Attempt(plan, one, target, placed, own))
    measured = heat.measure(attempts, fleet, server, str(number), cell.SILENT)
    cpu_ms = []
    for one, found in zip(cells, measured, strict=True):
        if found.evidence.problem:
            raise LoadError(f"{one.slug}: {found.evidence.problem}")
        total = summary.summarise([found])[0]
        if total.failures or not total.service_cpu_ms_per_request:
            raise LoadError(
                f"{one.slug}: {total.failures} of {total.requests} requests failed; nothing can be compared"
            )
        cpu_ms.append(total.service_cpu_ms_per_request)
    return ServiceAndTutorial(*cpu_ms)
