"""From measurements to rows of numbers. Pure: takes data, returns data, runs again on a stored run."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import polars as pl

from bench.analysis.intervals import mean_interval
from bench.analysis.measurement import Measurement, pooled, transactions_per_request
from bench.analysis.recorded import gauges, loop_lag
from bench.analysis.recorded.roles import DATABASE, LOAD, SERVICE, TARGET
from bench.plan.metrics import METRICS, Known, Metric
from suite.arrival import Arrival
from suite.kept import once
from suite.records import UNFINISHED

# A percentile is known only when at least this many samples lie beyond it.
SAMPLES_BEYOND = 100
# What a round knows of each operation, and of all of them together.
OF_AN_OPERATION = tuple(one.name for one in METRICS if one.known is Known.OPERATION)
OF_A_CELL = tuple(one.name for one in METRICS if one.known is not Known.RUN)
OF_THE_PROCESSES = ("service_cpu_ms_per_request", "service_rss_peak_mb")
FiguresByMetric = Mapping[str, float | None]


@dataclass(frozen=True)
class OperationSummary:
    """What one operation of a cell did over all windows, by the names of METRICS. None means unknown.

    Requests, failures and `unfinished` ones (which are failures) began or were due in a window. Throughput counts the
    successes that ended in one. Latencies are those of successes, and the least that unfinished and missed requests
    can have. `rounds` holds each round's own figures; one that is left out has none. Only the operation `all` has what
    follows: the uncorrected service time of an open load, from when a request was sent, not from when it was due; how
    long a batch took from its first intended start to its last end, where there is one window; and CPU times and
    transactions, those of a cell's whole window divided by all requests that ended in it (transactions also the only
    operation, where there is just one). Statements and round trips are those that the gate has counted. `first_stage`:
    the windows whose spread decided how many there are; None where their number was fixed.
    """

    operation: str
    requests: int
    failures: int
    failure_ratio: float | None
    throughput_rps: float | None
    rounds: tuple[FiguresByMetric, ...]
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    latency_p999_ms: float | None
    latency_max_ms: float | None
    unfinished: int | None = None
    service_time_p99_ms: float | None = None
    success_ratio: float | None = None
    batch_s: float | None = None
    missed_arrivals: int | None = None
    service_cpu_ms_per_request: float | None = None
    database_cpu_ms_per_request: float | None = None
    load_cpu_ms_per_request: float | None = None
    service_rss_peak_mb: float | None = None
    gc_full_per_s: float | None = None
    gc_share: float | None = None
    gc_pause_max_ms: float | None = None
    loop_lag_mean_ms: float | None = None
    loop_lag_p99_ms: float | None = None
    loop_lag_max_ms: float | None = None
    statements_per_request: float | None = None
    round_trips_per_request: float | None = None
    transactions_per_request: float | None = None
    connections_peak: int | None = None
    ping_p50_ms: float | None = None
    ping_max_ms: float | None = None
    idle_in_transaction_peak: int | None = None
    first_stage: int | None = None

    @property
    def throughput_interval(self) -> tuple[float, float] | None:
        """The 95% interval over the rounds."""
        return self.interval("throughput_rps")

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The 95% interval of a metric over the rounds."""
        values = self.of_rounds(metric)
        known, first = ([value for value in some if value is not None] for some in (values, values[: self.first_stage]))
        return mean_interval(known, first=None if self.first_stage is None else first)

    def of_rounds(self, metric: str, *, counting: bool = False) -> tuple[float | None, ...]:
        """One metric in each round, or in those `counting`; None where a round does not know it, or is left out."""
        return tuple(figures.get(metric) for figures in self.rounds if figures or not counting)

    def columns(self, wanted: Sequence[Metric]) -> dict[str, float | None]:
        """Each metric by its column, with its interval where it has columns for one."""
        found: dict[str, float | None] = {}
        for metric in wanted:
            found[metric.name] = getattr(self, metric.name)
            if metric.interval:
                found |= zip(metric.interval, self.interval(metric.name) or (None, None), strict=True)
        return found


NO_TIMES = pl.Series([], dtype=pl.Float64)


def percentile(ascending: pl.Series, share: float) -> float | None:
    """The nearest-rank percentile of sorted values: the smallest that at least `share` of them do not exceed.

    None when fewer than SAMPLES_BEYOND values lie beyond it.
    """
    rank = math.ceil(share * len(ascending))
    if not rank or len(ascending) - rank < SAMPLES_BEYOND:
        return None
    return float(ascending[rank - 1])


def summarise(measurements: Sequence[Measurement]) -> tuple[OperationSummary, ...]:
    """A summary of all operations together (`all`), then one of each by name."""
    found = {name for one in measurements if one.length_s for name in one.samples["operation"].unique()}
    names = sorted(found - {""})  # an arrival that was never sent has no operation
    alone = len(names) == 1
    of_all, parts = total(measurements), [_summary(name, measurements, alone=alone) for name in names]
    if len(parts) == 1:  # the database does not say which operation a transaction was for
        parts = [replace(parts[0], transactions_per_request=of_all.transactions_per_request)]
    return (of_all, *parts)


def total(measurements: Sequence[Measurement]) -> OperationSummary:
    """A summary of all operations together (`all`)."""
    rounds = tuple(_round(one) for one in measurements)
    sent_ms = _service_time_p99_ms([one for one in measurements if one.length_s])
    return replace(_together(measurements), rounds=rounds, service_time_p99_ms=sent_ms)


@once  # a run is summarised after each cell, and its earlier rounds do not change
def _round(one: Measurement) -> FiguresByMetric:
    figures = _together([one])
    unsure = OF_THE_PROCESSES if is_seen_on_the_port([one]) else ()
    return {name: None if name in unsure else getattr(figures, name) for name in OF_A_CELL}


def is_seen_on_the_port(measurements: Sequence[Measurement]) -> bool:
    """Whether a target's CPU time and memory are those of the processes that listen on its port.

    There may be others: behind a proxy, in a container. So they are shown, and compared with nothing.
    """
    return any(one.evidence.machine is not None and TARGET in one.evidence.machine.cpu_s for one in measurements)


def _together(measurements: Sequence[Measurement]) -> OperationSummary:
    whole = [one for one in measurements if one.length_s]
    machines = [one.evidence.machine for one in whole if one.evidence.machine]
    garbage = gauges.over([(one.length_s, one.evidence.collected) for one in whole])
    lag = loop_lag.over([(one.length_s, one.evidence.lag) for one in whole])
    counted = _counted("all", measurements, pooled(measurements))
    role = TARGET if is_seen_on_the_port(whole) else SERVICE
    return replace(
        counted,
        batch_s=_batch_s(measurements),
        missed_arrivals=sum(one.evidence.missed for one in measurements),
        service_cpu_ms_per_request=cpu_ms_per_request(whole, role),
        database_cpu_ms_per_request=cpu_ms_per_request(whole, DATABASE),
        load_cpu_ms_per_request=cpu_ms_per_request(whole, LOAD),
        service_rss_peak_mb=_most([one.rss_peak_mb.get(role) for one in machines]),
        gc_full_per_s=None if garbage is None else garbage.full_per_s,
        gc_share=None if garbage is None else garbage.share,
        gc_pause_max_ms=None if garbage is None else garbage.longest_s * 1e3,
        loop_lag_mean_ms=None if lag is None else lag.mean_ms,
        loop_lag_p99_ms=None if lag is None else lag.p99_ms,
        loop_lag_max_ms=None if lag is None else lag.max_ms,
        transactions_per_request=transactions_per_request(whole),
        ping_p50_ms=_middle([one.evidence.ping_p50_ms for one in whole]),
        ping_max_ms=_most([one.evidence.ping_max_ms for one in whole]),
        connections_peak=_most([one.evidence.connections_peak for one in whole]),
        idle_in_transaction_peak=_most([one.evidence.idle_in_transaction_peak for one in whole]),
    )


def _batch_s(measurements: Sequence[Measurement]) -> float | None:
    lengths_s = [one.length_s for one in measurements if one.evidence.arrival == Arrival.BATCH]
    return lengths_s[0] or None if len(lengths_s) == 1 else None


Number = TypeVar("Number", int, float)


def _most(peaks: Sequence[Number | None]) -> Number | None:
    return max((peak for peak in peaks if peak is not None), default=None)


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _summary(operation: str, measurements: Sequence[Measurement], *, alone: bool) -> OperationSummary:
    """Of one operation by its name. If it is `alone`, the arrivals that were never sent are its own."""
    counted = _counted(operation, measurements, _of_operation(measurements, operation, alone))
    return replace(counted, rounds=tuple(_round_of_operation(one, operation, alone) for one in measurements))


@once
def _round_of_operation(one: Measurement, operation: str, alone: bool) -> FiguresByMetric:
    figures = _counted(operation, [one], _of_operation([one], operation, alone))
    return {name: getattr(figures, name) for name in OF_AN_OPERATION}


def _of_operation(measurements: Sequence[Measurement], operation: str, alone: bool) -> pl.DataFrame:
    frame, mine = pooled(measurements), [operation, ""] if alone else [operation]
    return frame if frame.is_empty() else frame.filter(pl.col("operation").is_in(mine))


def _counted(operation: str, measurements: Sequence[Measurement], frame: pl.DataFrame) -> OperationSummary:
    """What the requests in `frame` show, samples of these measurements."""
    requests, failures, unfinished, succeeded = (0, 0, 0, 0) if frame.is_empty() else _tally(frame)
    length_s = sum(one.length_s for one in measurements)
    latencies_ms = _ascending_ms(frame)
    return OperationSummary(
        operation=operation,
        requests=requests,
        failures=failures,
        failure_ratio=failures / requests if requests else None,
        success_ratio=1 - failures / requests if requests else None,
        unfinished=unfinished,
        throughput_rps=succeeded / length_s if length_s else None,
        rounds=(),
        latency_mean_ms=cast("float | None", latencies_ms.mean()),
        latency_max_ms=cast("float | None", latencies_ms.max()),
        latency_p50_ms=percentile(latencies_ms, 0.5),
        latency_p90_ms=percentile(latencies_ms, 0.9),
        latency_p95_ms=percentile(latencies_ms, 0.95),
        latency_p99_ms=percentile(latencies_ms, 0.99),
        latency_p999_ms=percentile(latencies_ms, 0.999),
    )


def _tally(frame: pl.DataFrame) -> tuple[int, ...]:
    """Of the requests that began: all, failures, unfinished ones; of those that ended in the window: successes."""
    ok, sent = pl.col("ok"), pl.col("begun") & ~pl.col("missed")
    counted = (sent, sent & ~ok, sent & (pl.col("error") == UNFINISHED), pl.col("completed") & ok)
    return frame.select(one.sum().alias(str(place)) for place, one in enumerate(counted)).row(0)


def _service_time_p99_ms(measurements: Sequence[Measurement]) -> float | None:
    """From when requests were really sent; in the closed model that is the latency."""
    opened = [one for one in measurements if one.evidence.arrival == Arrival.OPEN]
    return percentile(_ascending_ms(pooled(opened), "service_time_ns"), 0.99)


def _ascending_ms(frame: pl.DataFrame, column: str = "latency_ns") -> pl.Series:
    if frame.is_empty():
        return NO_TIMES
    return frame.filter(pl.col("begun") & pl.col("timed"))[column].sort() / 1e6


def cpu_ms_per_request(measurements: Sequence[Measurement], role: str) -> float | None:
    """CPU time of a role's processes in the windows, divided by the requests that ended in them; None if not seen."""
    seen = [one for one in measurements if one.evidence.machine and role in one.evidence.machine.cpu_s]
    requests = sum(one.evidence.completed for one in seen)
    if role == DATABASE and any(one.evidence.foreign for one in seen):
        return None  # a target may have a separate database
    if not requests or len(seen) < len(measurements):
        return None
    return sum(one.evidence.machine.cpu_s[role] for one in seen if one.evidence.machine) / requests * 1e3
