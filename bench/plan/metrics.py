"""Every figure that a run knows of a cell: its name, which way is better, and where it appears.

Each list of metrics in the suite is a filter of METRICS, in its order. A new column of summary.csv takes a row here and
the field of OperationSummary (bench/analysis/summary.py) that holds its value.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Better(Enum):
    """Which way a metric is better; most that cost something are better low."""

    HIGH = auto()
    LOW = auto()


class UnderFullerLoad(Enum):
    """How a fuller load could move a metric, so which bound the figure of a FLOOR cell is."""

    RISES = auto()
    """The figure is a lower bound."""
    FALLS = auto()
    """The figure is an upper bound."""
    STAYS = auto()
    """CPU time, memory and counts per request are what they are, whatever the load."""


class Known(Enum):
    """What each round knows for itself."""

    OPERATION = auto()
    """The metric of each operation, and of all together."""
    CELL = auto()
    """The metric of all operations together."""
    RUN = auto()
    """Nothing: only all rounds together have it."""


class Place(StrEnum):
    """A file or a table that has a column, a row or a line for each of its metrics."""

    SUMMARY = "summary.csv"
    COMPARISON = "comparison.csv"
    SWEEPS = "sweeps.csv"
    CLAIMS = "claims.csv"
    COMPARE = "compare.csv"
    RATIOS = "the terminal's ratios of cells"
    RATIOS_OF_OPEN_LOAD = "the terminal's ratios of cells under an open load"
    COSTS = "the page's costs per request"
    CPU_CHART = "the page's chart of CPU time"


SHARE = "share"  # a unit: between 0 and 1


@dataclass(frozen=True)
class Metric:
    """One metric. `title` is without its unit, as a ratio has it; `with_unit` is for the others, where it differs.

    `interval` are the columns of its interval, which follow it wherever it is a column.
    """

    name: str
    title: str
    unit: str
    places: frozenset[Place]
    better: Better = Better.LOW
    under_fuller_load: UnderFullerLoad = UnderFullerLoad.STAYS
    known: Known = Known.CELL
    with_unit: str = ""
    interval: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Of a column of its values."""
        return self.with_unit or self.title

    @property
    def is_bound(self) -> bool:
        """Whether a FLOOR cell's figure is only a bound."""
        return self.under_fuller_load is not UnderFullerLoad.STAYS

    def open_ends(self, *, candidate: bool, baseline: bool = False) -> tuple[bool, bool]:
        """Whether the lower and the upper end of an interval are open, of a cell's figure or of candidate / baseline.

        `candidate` and `baseline` say which of them is a FLOOR.
        """
        rises, falls = (self.under_fuller_load is way for way in (UnderFullerLoad.RISES, UnderFullerLoad.FALLS))
        return (candidate and falls) or (baseline and rises), (candidate and rises) or (baseline and falls)


IN_SUMMARY = frozenset({Place.SUMMARY, Place.CLAIMS})
COMPARED = frozenset({Place.COMPARISON, Place.COMPARE})
IN_RATIOS = frozenset({Place.RATIOS, Place.RATIOS_OF_OPEN_LOAD})
OF_THE_GATE = frozenset({Place.SUMMARY, Place.COSTS})
CLAIMED = frozenset({Place.CLAIMS})


def _latency(name: str, title: str, places: frozenset[Place] = IN_SUMMARY) -> Metric:
    return Metric(
        f"latency_{name}_ms", title, "ms", places, under_fuller_load=UnderFullerLoad.FALLS, known=Known.OPERATION,
        with_unit=f"{title} ms",
    )  # fmt: skip


def _lag(name: str, title: str) -> Metric:
    return Metric(f"loop_lag_{name}_ms", title, "ms", IN_SUMMARY, under_fuller_load=UnderFullerLoad.RISES)


METRICS = (
    Metric(
        "requests", "requests", "", IN_SUMMARY, Better.HIGH, UnderFullerLoad.RISES, Known.OPERATION,
    ),
    Metric("failures", "failures", "", IN_SUMMARY, under_fuller_load=UnderFullerLoad.RISES, known=Known.OPERATION),
    Metric(
        "failure_ratio", "failed", SHARE, IN_SUMMARY | {Place.COMPARE}, under_fuller_load=UnderFullerLoad.RISES,
        known=Known.OPERATION,
    ),
    Metric(
        "unfinished", "unfinished", "", IN_SUMMARY, under_fuller_load=UnderFullerLoad.RISES, known=Known.OPERATION,
    ),
    Metric("success_ratio", "succeeded", SHARE, CLAIMED, Better.HIGH, UnderFullerLoad.FALLS, Known.OPERATION),
    Metric(
        "throughput_rps", "requests/s", "1/s", IN_SUMMARY | COMPARED | {Place.SWEEPS, Place.RATIOS}, Better.HIGH,
        UnderFullerLoad.RISES, Known.OPERATION, interval=("throughput_ci_low", "throughput_ci_high"),
    ),
    Metric("batch_s", "batch", "s", CLAIMED, under_fuller_load=UnderFullerLoad.FALLS),
    _latency("mean", "mean latency"),
    _latency("p50", "p50", IN_SUMMARY | COMPARED | {Place.SWEEPS, Place.RATIOS_OF_OPEN_LOAD}),
    _latency("p90", "p90"),
    _latency("p95", "p95"),
    _latency("p99", "p99", IN_SUMMARY | COMPARED | IN_RATIOS | {Place.SWEEPS}),
    _latency("p999", "p99.9"),
    _latency("max", "longest latency"),
    Metric("service_time_p99_ms", "uncorrected p99", "ms", frozenset(), known=Known.RUN),
    Metric("missed_arrivals", "missed arrivals", "", IN_SUMMARY),
    Metric(
        "service_cpu_ms_per_request", "CPU per request", "ms",
        IN_SUMMARY | COMPARED | IN_RATIOS | {Place.SWEEPS, Place.CPU_CHART}, with_unit="CPU ms per request",
    ),
    Metric("database_cpu_ms_per_request", "database CPU per request", "ms", IN_SUMMARY | {Place.CPU_CHART}),
    Metric("load_cpu_ms_per_request", "load CPU per request", "ms", IN_SUMMARY | {Place.CPU_CHART}),
    Metric("service_rss_peak_mb", "memory", "MB", IN_SUMMARY | COMPARED, with_unit="memory MB"),
    Metric("gc_full_per_s", "full collections/s", "1/s", IN_SUMMARY, under_fuller_load=UnderFullerLoad.RISES),
    Metric("gc_share", "time in collections", SHARE, IN_SUMMARY, under_fuller_load=UnderFullerLoad.RISES),
    Metric("gc_pause_max_ms", "longest collection", "ms", IN_SUMMARY),
    _lag("mean", "mean lag of the event loop"),
    _lag("p99", "p99 lag of the event loop"),
    _lag("max", "longest lag of the event loop"),
    Metric("statements_per_request", "statements", "", OF_THE_GATE, known=Known.RUN),
    Metric("round_trips_per_request", "round trips", "", OF_THE_GATE, known=Known.RUN),
    Metric("transactions_per_request", "transactions", "", IN_SUMMARY | {Place.COSTS}),
    Metric("connections_peak", "connections", "", IN_SUMMARY),
    Metric("idle_in_transaction_peak", "connections idle in a transaction", "", IN_SUMMARY),
    Metric("ping_p50_ms", "median of GET /ping", "ms", CLAIMED),
    Metric("ping_max_ms", "longest GET /ping", "ms", CLAIMED),
)  # fmt: skip

_BY_NAME = {one.name: one for one in METRICS}


def named(name: str) -> Metric:
    """The metric of this name. Raises KeyError."""
    return _BY_NAME[name]


def in_(place: Place) -> tuple[Metric, ...]:
    """The metrics of a file or a table."""
    return tuple(one for one in METRICS if place in one.places)


def names(place: Place) -> tuple[str, ...]:
    """Their names."""
    return tuple(one.name for one in in_(place))


def columns(place: Place) -> tuple[str, ...]:
    """Their names, each before the columns of its interval."""
    return tuple(column for one in in_(place) for column in (one.name, *one.interval))
