"""Everything that was recorded of one measurement beside its samples."""

from dataclasses import dataclass

from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.pings import Ping
from bench.analysis.recorded.readings import Reading
from bench.analysis.recorded.windows import Mark
from bench.plan.placement import Placement
from suite.activity import Activity


@dataclass(frozen=True)
class Recording:
    """As it was seen, before any window is cut out of it: whatever a cell showed follows from this and its samples.

    `pooled` is how many connections the service's pools open at start, `locust_requests` how many requests Locust
    itself counted; None where that is not known.
    """

    marks: tuple[Mark, ...]
    readings: tuple[Reading, ...]
    gauges: tuple[Gauge, ...]
    activity: tuple[Activity, ...]
    pings: tuple[Ping, ...]
    placement: Placement
    pooled: int
    locust_requests: int | None
