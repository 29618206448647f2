"""From windows of samples to rows of numbers. Pure: takes data, returns data, runs again on a stored run."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self, TypeVar, cast

import polars as pl

from bench.analysis import evidence
from bench.analysis.evidence import Evidence
from bench.analysis.intervals import mean_interval
from bench.analysis.recorded import windows
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.roles import DATABASE, LOAD, SERVICE
from bench.plan.matrix import Cell
from bench.plan.model import Plan

# A percentile is known only when at least this many samples lie beyond it.
SAMPLES_BEYOND = 100
COLUMNS = ("operation", "error", "body_bytes", "latency_ns", "service_time_ns", "ok")
LOCUST_PERCENTILES = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)


@dataclass(frozen=True)
class Measurement:
    """One cell measured in one round: the requests that count, and what was seen around them.

    `samples` has COLUMNS; none when there was no window.
    """

    samples: pl.DataFrame
    evidence: Evidence

    @property
    def length_s(self) -> float:
        """Of the window; 0 when there was none."""
        return self.evidence.length_s

    @classmethod
    def of(cls, recording: Recording, samples: pl.DataFrame, cell: Cell, plan: Plan) -> Self:
        """From what was recorded and all samples. Raises ResultsError when the load ended before its window did."""
        window = windows.of(recording.marks, samples, plan.load)
        counts = windows.sent(windows.cut(samples, window, plan.load.arrival))
        return cls(counts.select(COLUMNS), evidence.of(recording, samples, cell, plan))


# What cells are compared by, within each round.
METRICS = ("throughput_rps", "latency_p50_ms", "latency_p99_ms", "service_cpu_ms_per_request")
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class OperationSummary:
    """What one operation of a cell did over all windows. None means unknown.

    Throughput and latencies count successes only. `rounds` holds each window's own METRICS. Only the operation `all`
    has what follows: the uncorrected service time of an open load, from when a request was sent, not from when it was
    due; and CPU times and transactions, those of a cell's whole window divided by all its requests (transactions also
    the only operation, where there is just one).
    """

    operation: str
    requests: int
    failures: int
    failure_ratio: float | None
    throughput_rps: float | None
    rounds: tuple[Figures, ...]
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    latency_p999_ms: float | None
    latency_max_ms: float | None
    service_time_p99_ms: float | None = None
    service_cpu_ms_per_request: float | None = None
    database_cpu_ms_per_request: float | None = None
    load_cpu_ms_per_request: float | None = None
    service_rss_peak_mb: float | None = None
    transactions_per_request: float | None = None
    connections_peak: int | None = None
    ping_p50_ms: float | None = None
    ping_max_ms: float | None = None
    idle_in_transaction_peak: int | None = None

    @property
    def throughput_interval(self) -> tuple[float, float] | None:
        """The 95% interval over the rounds."""
        return mean_interval([value for value in self.of_rounds("throughput_rps") if value is not None])

    def of_rounds(self, metric: str) -> tuple[float | None, ...]:
        """One metric in each round."""
        return tuple(figures[metric] for figures in self.rounds)


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
    names = sorted({name for one in measurements if one.length_s for name in one.samples["operation"].unique()})
    of_all, parts = total(measurements), [_summary(name, measurements) for name in names]
    if len(parts) == 1:  # the database does not say which operation a transaction was for
        parts = [replace(parts[0], transactions_per_request=of_all.transactions_per_request)]
    return (of_all, *parts)


def total(measurements: Sequence[Measurement]) -> OperationSummary:
    """A summary of all operations together (`all`)."""
    whole = [one for one in measurements if one.length_s]
    machines = [one.evidence.machine for one in whole if one.evidence.machine]
    return replace(
        _summary("all", measurements),
        service_time_p99_ms=_service_time_p99_ms(whole),
        service_cpu_ms_per_request=cpu_ms_per_request(whole, SERVICE),
        database_cpu_ms_per_request=cpu_ms_per_request(whole, DATABASE),
        load_cpu_ms_per_request=cpu_ms_per_request(whole, LOAD),
        service_rss_peak_mb=max(
            (one.rss_peak_mb[SERVICE] for one in machines if SERVICE in one.rss_peak_mb), default=None
        ),
        transactions_per_request=_transactions_per_request(whole),
        ping_p50_ms=_middle([one.evidence.ping_p50_ms for one in whole]),
        ping_max_ms=_most([one.evidence.ping_max_ms for one in whole]),
        connections_peak=_most([one.evidence.connections_peak for one in whole]),
        idle_in_transaction_peak=_most([one.evidence.idle_in_transaction_peak for one in whole]),
    )


Number = TypeVar("Number", int, float)


def _most(peaks: Sequence[Number | None]) -> Number | None:
    return max((peak for peak in peaks if peak is not None), default=None)


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _summary(operation: str, measurements: Sequence[Measurement]) -> OperationSummary:
    frames = [_of(one, operation) for one in measurements]
    requests = sum(len(frame) for frame in frames)
    length_s = sum(one.length_s for one in measurements)
    succeeded = [_ascending_ms(frame) for frame in frames]
    latencies_ms = pl.concat(succeeded).sort() if succeeded else NO_TIMES
    successes = len(latencies_ms)
    return OperationSummary(
        operation=operation,
        requests=requests,
        failures=requests - successes,
        failure_ratio=(requests - successes) / requests if requests else None,
        throughput_rps=successes / length_s if length_s else None,
        rounds=tuple(
            _figures(one, ascending, operation) for one, ascending in zip(measurements, succeeded, strict=True)
        ),
        latency_mean_ms=cast("float | None", latencies_ms.mean()),
        latency_max_ms=cast("float | None", latencies_ms.max()),
        latency_p50_ms=percentile(latencies_ms, 0.5),
        latency_p90_ms=percentile(latencies_ms, 0.9),
        latency_p95_ms=percentile(latencies_ms, 0.95),
        latency_p99_ms=percentile(latencies_ms, 0.99),
        latency_p999_ms=percentile(latencies_ms, 0.999),
    )


def _service_time_p99_ms(measurements: Sequence[Measurement]) -> float | None:
    """From when requests were really sent; in the closed model that is the latency."""
    sent = [_ascending_ms(one.samples, "service_time_ns") for one in measurements if one.evidence.arrival == "open"]
    return percentile(pl.concat(sent).sort(), 0.99) if sent else None


def _of(measurement: Measurement, operation: str) -> pl.DataFrame:
    frame = measurement.samples
    return frame if operation == "all" or frame.is_empty() else frame.filter(pl.col("operation") == operation)


def _ascending_ms(frame: pl.DataFrame, column: str = "latency_ns") -> pl.Series:
    if frame.is_empty():
        return NO_TIMES
    return frame.filter(pl.col("ok"))[column].sort() / 1e6


def _figures(measurement: Measurement, ascending_ms: pl.Series, operation: str) -> Figures:
    """One round's own."""
    if not measurement.length_s:
        return dict.fromkeys(METRICS)
    return {
        "throughput_rps": len(ascending_ms) / measurement.length_s,
        "latency_p50_ms": percentile(ascending_ms, 0.5),
        "latency_p99_ms": percentile(ascending_ms, 0.99),
        "service_cpu_ms_per_request": cpu_ms_per_request([measurement], SERVICE) if operation == "all" else None,
    }


def cpu_ms_per_request(measurements: Sequence[Measurement], role: str) -> float | None:
    """CPU time of a role's processes in the windows, divided by the requests of the windows; None where not seen."""
    seen = [one for one in measurements if one.evidence.machine and role in one.evidence.machine.cpu_s]
    requests = sum(one.evidence.requests for one in seen)
    if role == DATABASE and any(one.evidence.foreign for one in seen):
        return None  # a target may have a database of its own
    if not requests or len(seen) < len(measurements):
        return None
    return sum(one.evidence.machine.cpu_s[role] for one in seen if one.evidence.machine) / requests * 1e3


def _transactions_per_request(measurements: Sequence[Measurement]) -> float | None:
    """Over the windows of which transactions are known."""
    known = [(one.evidence.transactions, one.evidence.requests) for one in measurements]
    counted = [(ended, requests) for ended, requests in known if ended is not None]
    total = sum(requests for _, requests in counted)
    return sum(ended for ended, _ in counted) / total if total else None


def errors(measurements: Sequence[Measurement]) -> tuple[tuple[str, int], ...]:
    """What the failed requests said, most frequent first."""
    frames = [one.samples for one in measurements if len(one.samples)]
    if not frames:
        return ()
    failed = pl.concat(frames).filter(~pl.col("ok"))
    counted = failed.group_by("error").len().sort("len", "error", descending=[True, False])
    return tuple((str(error), int(count)) for error, count in counted.iter_rows())


BESIDE = frozenset({"rounds", "service_time_p99_ms", "ping_p50_ms", "ping_max_ms"})  # not in summary.csv
SUMMARY_COLUMNS = tuple(field.name for field in fields(OperationSummary) if field.name not in BESIDE)
