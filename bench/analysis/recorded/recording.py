"""Everything that was recorded of one measurement beside its samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.loop_lag import LoopLag
from bench.analysis.recorded.pings import Ping
from bench.analysis.recorded.profiled import Profiled
from bench.analysis.recorded.readings import Reading
from bench.analysis.recorded.turns import Turn
from bench.analysis.recorded.windows import Mark
from bench.plan.placement import Placement
from suite.activity import Activity


@dataclass(frozen=True)
class Recording:
    """As it was seen, before any window is cut out of it: whatever a cell showed follows from this and its samples.

    `pooled` is how many connections the service's pools open at start, `locust_requests` how many requests Locust
    itself counted; None where that is not known. `verified_transactions` has those of one call, by
    `bench.plan.costs.counted_as`, as verification counted them; none where it could not. `external_calls` is how many
    the external API answered from the load's beginning to its end; None where that is not known. `turns` are those of
    a cell that was measured in slices, in order; none of one that ran without a break. `shared`: a pooler shares the
    connections that PostgreSQL sees, so they are not the service's. `profiled` is what a profiler saw; None where there
    was none. `loop_lags` has the event loop of each of the service's processes; none where the plan did not ask.
    """

    marks: tuple[Mark, ...]
    readings: tuple[Reading, ...]
    gauges: tuple[Gauge, ...]
    activity: tuple[Activity, ...]
    pings: tuple[Ping, ...]
    placement: Placement
    pooled: int
    locust_requests: int | None
    verified_transactions: Mapping[str, float] = field(default_factory=dict, hash=False)
    external_calls: int | None = None
    turns: tuple[Turn, ...] = ()
    shared: bool = False
    profiled: Profiled | None = None
    loop_lags: tuple[LoopLag, ...] = ()
