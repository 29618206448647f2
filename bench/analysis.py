"""From windows of samples to rows of numbers. Pure: takes data, returns data, runs again on a stored run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import polars as pl

# A percentile is known only when at least this many samples lie beyond it.
SAMPLES_BEYOND = 100
MAX_FAILURE_RATIO = 0.001
LOCUST_PERCENTILES = (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0)


@dataclass(frozen=True)
class Measurement:
    """One cell measured in one round: its windowed samples, or why there are none.

    `missed` arrivals were due in the window and never sent; they are not among the samples. `reconnects` is how often
    a user found its connection closed by the service, over the whole run.
    """

    samples: pl.DataFrame
    length_s: float
    users: int
    problem: str = ""
    missed: int = 0
    reconnects: int = 0


@dataclass(frozen=True)
class OperationSummary:
    """What one operation of a cell did over all windows. None means unknown.

    Throughput and latencies count successes only; `round_rps` is each window's own throughput.
    """

    operation: str
    requests: int
    failures: int
    failure_ratio: float | None
    throughput_rps: float | None
    round_rps: tuple[float, ...]
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    latency_p999_ms: float | None
    latency_max_ms: float | None


PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


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
    whole = [measurement for measurement in measurements if not measurement.problem]
    names = sorted({name for one in whole for name in one.samples["operation"].unique()})
    parts = [(name, [one.samples.filter(pl.col("operation") == name) for one in whole]) for name in names]
    lengths_s = [one.length_s for one in whole]
    everything = ("all", [one.samples for one in whole])
    return tuple(_summary(name, frames, lengths_s) for name, frames in (everything, *parts))


def _summary(operation: str, frames: Sequence[pl.DataFrame], lengths_s: Sequence[float]) -> OperationSummary:
    requests = sum(len(frame) for frame in frames)
    succeeded = [frame.filter(pl.col("ok"))["latency_ns"] for frame in frames]
    latencies_ms = (pl.concat(succeeded) if succeeded else pl.Series([], dtype=pl.Int64)).sort() / 1e6
    successes = len(latencies_ms)
    mean, longest = latencies_ms.mean(), latencies_ms.max()
    return OperationSummary(
        operation=operation,
        requests=requests,
        failures=requests - successes,
        failure_ratio=(requests - successes) / requests if requests else None,
        throughput_rps=successes / sum(lengths_s) if frames else None,
        round_rps=tuple(len(one) / length_s for one, length_s in zip(succeeded, lengths_s, strict=True)),
        latency_mean_ms=float(mean) if isinstance(mean, float) else None,
        latency_max_ms=float(longest) if isinstance(longest, float) else None,
        **{f"latency_{name}_ms": percentile(latencies_ms, share) for name, share in PERCENTILES.items()},
    )


@dataclass(frozen=True)
class Verdict:
    """Whether a cell's numbers may be believed, and what speaks against them."""

    name: str
    reasons: tuple[str, ...]

    @property
    def ranks(self) -> bool:
        """Whether the cell may be compared with others."""
        return self.name != "INVALID"


def verdict(measurements: Sequence[Measurement], users: int) -> Verdict:
    """INVALID when a window is missing or empty, users were missing, or more than 0.1% of requests failed."""
    reasons = []
    for number, one in enumerate(measurements, 1):
        if one.problem:
            reasons.append(f"measurement {number}: {one.problem}")
        elif not len(one.samples):
            reasons.append(f"measurement {number}: no request ended in the window")
        elif one.users < users:
            reasons.append(f"measurement {number}: {one.users} of {users} users were running")
    requests = sum(len(one.samples) for one in measurements)
    failures = sum(int((~one.samples["ok"]).sum()) for one in measurements if len(one.samples))
    if requests and failures / requests > MAX_FAILURE_RATIO:
        reasons.append(f"{failures} of {requests} requests failed ({failures / requests:.2%}, more than 0.1%)")
    return Verdict("INVALID" if reasons else "VALID", tuple(reasons))


def errors(measurements: Sequence[Measurement]) -> tuple[tuple[str, int], ...]:
    """What the failed requests said, most frequent first."""
    frames = [one.samples for one in measurements if len(one.samples)]
    if not frames:
        return ()
    failed = pl.concat(frames).filter(~pl.col("ok"))
    counted = failed.group_by("error").len().sort("len", "error", descending=[True, False])
    return tuple((str(error), int(count)) for error, count in counted.iter_rows())


SUMMARY_COLUMNS = tuple(field.name for field in fields(OperationSummary) if field.name != "round_rps")
