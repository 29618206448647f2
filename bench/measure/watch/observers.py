"""All that watches beside a load: processes and CPUs, the service's gauges, PostgreSQL, pings."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.windows import Mark
from bench.measure.watch.activity import Watcher
from bench.measure.watch.pinger import Pinger
from bench.measure.watch.probe import Probe
from bench.measure.watch.resources import Sampler
from bench.plan.matrix import Cell
from bench.plan.model import Load
from bench.plan.placement import Placement
from db.dsn import Dsn


class Observers:
    """Watch one measurement from the beginning of the block to its end; of processes there is a first reading before.

    A target is not asked for /metrics and /ping, which may be anything there.
    """

    def __init__(self, cell: Cell, load: Load, url: str, dsn: Dsn, roots: Mapping[int, str]) -> None:
        """Prepare; `roots` names the role of each process that we started."""
        self._setup = cell.setup
        self._sampler, self._watcher = Sampler(roots), Watcher(dsn)
        self._probe, self._pinger = Probe(url, cell.setup.connections), Pinger(url)
        of_ours = [] if cell.setup.url else [self._probe, *([self._pinger] if load.ping else [])]
        self._asking = [*of_ours, self._watcher]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for one in self._asking:
            self._stack.enter_context(one)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def follow(self, pid: int, role: str) -> None:
        """From now on one more process."""
        self._sampler.watch(pid, role)

    def tick(self) -> None:
        """Look at processes and CPUs if it is time to."""
        self._sampler.tick()

    def look(self) -> None:
        """Look at them now."""
        self._sampler.look()

    def recording(self, marks: tuple[Mark, ...], placed: Placement, locust_requests: int | None) -> Recording:
        """All that was seen, beside what the load itself noted."""
        return Recording(
            marks=marks,
            readings=tuple(self._sampler.readings),
            gauges=tuple(self._probe.gauges),
            activity=tuple(self._watcher.readings),
            pings=tuple(self._pinger.pings),
            placement=placed,
            pooled=self._setup.pool_size * self._setup.workers if self._setup.connections else 0,
            locust_requests=locust_requests,
        )
