"""Compares a cell's throughput and latency with those of an independent client, on the same service process."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.analysis import summary
from bench.analysis.intervals import mean_interval
from bench.measure import cell, database, load
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan import matrix, model, placement
from bench.selfbench import wrk
from db.data import dataset
from suite import catalogue

PAIRS = 6
WINDOW_S = 6
WRK_S = 20  # it counts from its first connect: in a longer run, the start matters less
USERS = 1000
SCALE = 0.01


def measure(services: Sequence[str], say: Callable[[str], None], pairs: int = PAIRS) -> None:
    """For each service, measure `pairs` interleaved pairs of a cell's load and wrk, and print the ratios."""
    placed = placement.place(placement.available_cpus(), 1)
    users = dataset.size(SCALE).users
    with tempfile.TemporaryDirectory() as name, database.opened(None, placed.database) as server:
        folder = Path(name)
        database.loaded(server, SCALE)
        for service in services:
            setup = matrix.default_setup(service)
            with Fleet(FleetSettings(server.dsn.url, users, placed.service)) as fleet:
                fleet.start({setup: folder / f"{service}.log"})
                say(f"{service}: {pairs} pairs, {USERS} connections")
                pair = _ClientPair(setup, fleet, server, placed, folder, users)
                seen = [pair.measure(number) for number in range(pairs)]
                for metric in ("throughput_rps", "latency_p50_ms", "latency_p99_ms"):
                    ratios = [getattr(ours, metric) / getattr(theirs, metric) for ours, theirs in seen]
                    low, high = mean_interval(ratios) or (0.0, 0.0)
                    last = f"last pair {getattr(seen[-1][0], metric):,.1f} / {getattr(seen[-1][1], metric):,.1f}"
                    say(f"  {metric}: ours / wrk {(low * high) ** 0.5:.3f} (95% CI {low:.3f} .. {high:.3f}; {last})")


class _ClientPair:
    """Measures one service with both clients."""

    def __init__(
        self,
        setup: matrix.Setup,
        fleet: Fleet,
        server: database.Database,
        placed: placement.Placement,
        folder: Path,
        users: int,
    ) -> None:
        self.setup, self.fleet, self.server, self.placed = setup, fleet, server, placed
        self.folder, self.users = folder, users
        self.url = catalogue.service(setup.service).url

    def measure(self, number: int) -> tuple[wrk.WrkFigures, wrk.WrkFigures]:
        """The figures of a cell and of wrk, measured in alternating order."""
        if number % 2:
            theirs = self._theirs()
            return self._ours(number), theirs
        return self._ours(number), self._theirs()

    def _theirs(self) -> wrk.WrkFigures:
        return wrk.run(
            self.url, connections=USERS, seconds=WRK_S, users=self.users, cpus=self.placed.load, folder=self.folder
        )

    def _ours(self, number: int) -> wrk.WrkFigures:
        folder = self.folder / f"{self.setup.service}-{number}"
        folder.mkdir()
        settings = model.Plan(
            matrix=model.Matrix(scenarios=["point_read"], services=[self.setup.service]),
            load=model.Load(warm_up_s=2.0, measure_s=float(WINDOW_S)),
        )
        [one] = matrix.cells(settings)
        target = load.LoadTarget(self.url, self.users, number, self.placed.load)
        measured = cell.measure(cell.Attempt(settings, one, target, self.placed, folder), self.fleet, self.server)
        assert not measured.evidence.problem, measured.evidence.problem  # noqa: S101  # else nothing to compare
        total = summary.summarise([measured])[0]
        return wrk.WrkFigures(
            total.throughput_rps or float("nan"),
            total.latency_p50_ms or float("nan"),
            total.latency_p99_ms or float("nan"),
        )
