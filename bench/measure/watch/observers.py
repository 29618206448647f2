"""All observers of one measurement: processes and CPUs, the service's gauges, PostgreSQL, pings, the loop's lag."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.windows import Mark
from bench.measure.watch.activity import Watcher
from bench.measure.watch.loop_lag import LagReader
from bench.measure.watch.pinger import Pinger
from bench.measure.watch.probe import Probe
from bench.measure.watch.resources import Sampler
from bench.plan.matrix import Cell
from bench.plan.model import Load
from bench.plan.placement import Placement
from db.address.dsn import Dsn


class Observers:
    """Observe one measurement inside the block. A first reading of the processes is taken before it.

    /metrics and /ping of a target are not requested: there, they may be anything.
    """

    def __init__(
        self, cell: Cell, load: Load, url: str, dsn: Dsn, roots: Mapping[int, str], lag_file: Path | None = None
    ) -> None:
        """Prepare. `roots` has the role of each process that we started, by pid.

        `lag_file`: to which the service appends its event loop's lag; None where it does not.
        """
        self._setup = cell.setup
        self._sampler, self._watcher = Sampler(roots), Watcher(dsn)
        self._probe, self._pinger = Probe(url, cell.setup.connections), Pinger(url)
        self._lags = LagReader(lag_file)
        of_service = [] if cell.setup.url else [self._probe, *([self._pinger] if load.ping else [])]
        self._pollers = [*of_service, self._watcher]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for one in self._pollers:
            self._stack.enter_context(one)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def follow(self, pid: int, role: str) -> None:
        """Observe one more process from now on."""
        self._sampler.watch(pid, role)

    def tick(self) -> None:
        """Read processes and CPUs if it is time to."""
        self._sampler.tick()

    def look(self) -> None:
        """Read processes and CPUs now."""
        self._sampler.look()

    def recording(self, marks: tuple[Mark, ...], placed: Placement, locust_requests: int | None) -> Recording:
        """All observations, with the marks and the count of the load."""
        return Recording(
            marks=marks,
            readings=tuple(self._sampler.readings),
            gauges=tuple(self._probe.gauges),
            activity=tuple(self._watcher.readings),
            pings=tuple(self._pinger.pings),
            placement=placed,
            pooled=self._setup.opened_at_start,
            locust_requests=locust_requests,
            loop_lags=self._lags.until_now(),
        )
