"""Numbers from samples: exact percentiles, throughput of successes, verdicts, intervals."""

import math
from dataclasses import replace

import polars as pl
import pytest

from bench.analysis import summary
from bench.analysis.evidence import nothing
from bench.analysis.intervals import mean_interval
from bench.analysis.measurement import Measurement
from bench.analysis.recorded.gauges import Collected
from suite.arrival import Arrival
from tests.unit.evidence_of import evidence
from tests.unit.samples_of import in_window


def measured(latencies_ms: list[float], *, failed: int = 0, length_s: float = 10.0) -> Measurement:
    count = len(latencies_ms)
    frame = pl.DataFrame(
        {
            "operation": ["read_user"] * count,
            "error": ["status 500 instead of 200"] * failed + [""] * (count - failed),
            "body_bytes": [100] * count,
            "latency_ns": [round(ms * 1e6) for ms in latencies_ms],
            "service_time_ns": [1_000_000] * count,
            "ok": [False] * failed + [True] * (count - failed),
        }
    )
    return Measurement(in_window(frame), evidence(length_s=length_s, requests=count, failures=failed))


def test_a_percentile_is_the_value_at_the_nearest_rank() -> None:
    """Of 1..1000, the 50th percentile is 500 and the 90th 900: no interpolation, no rank too high."""
    ascending = pl.Series(range(1, 1001))
    assert summary.percentile(ascending, 0.5) == 500
    assert summary.percentile(ascending, 0.9) == 900
    assert summary.percentile(pl.Series(range(1, 1002)), 0.5) == 501


def test_a_percentile_needs_a_hundred_samples_beyond_it() -> None:
    """p99 is known from 10,000 samples on, and unknown, not zero, before."""
    assert summary.percentile(pl.Series(range(10_000)), 0.99) == 9899
    assert summary.percentile(pl.Series(range(9_999)), 0.99) is None
    assert summary.percentile(pl.Series([], dtype=pl.Int64), 0.5) is None


def test_throughput_and_latency_count_successes_only() -> None:
    """A service that fails fast does not look fast."""
    [total, read] = summary.summarise([measured([1.0] * 500 + [100.0] * 500, failed=500)])
    assert (total.requests, total.failures, total.failure_ratio) == (1000, 500, 0.5)
    assert total.throughput_rps == 50
    assert total.latency_mean_ms == total.latency_p50_ms == total.latency_max_ms == 100
    assert read.operation == "read_user"
    assert (read.requests, read.failures) == (1000, 500)


def test_windows_are_pooled_and_kept_apart() -> None:
    """Percentiles pool all windows; each window's own throughput stays known."""
    total = summary.summarise([measured([1.0] * 300), measured([3.0] * 100, length_s=5.0)])[0]
    assert total.throughput_rps == pytest.approx(400 / 15)
    assert total.of_rounds("throughput_rps") == (30.0, 20.0)
    assert total.latency_mean_ms == pytest.approx(1.5)


def test_nothing_measured_is_unknown_not_zero() -> None:
    """A cell whose load crashed has no throughput and no latency."""
    crashed = Measurement(pl.DataFrame(), nothing("Locust ended with exit code 1", 10, Arrival.CLOSED))
    [total] = summary.summarise([crashed])
    assert (total.requests, total.throughput_rps, total.latency_mean_ms, total.failure_ratio) == (0, None, None, None)


def test_a_round_without_a_window_keeps_its_place() -> None:
    """Rounds are paired by number: one that failed is unknown, and the next is still the third."""
    crashed = Measurement(pl.DataFrame(), nothing("Locust crashed", 1, Arrival.CLOSED))
    total = summary.summarise([measured([1.0] * 300), crashed, measured([1.0] * 100)])[0]
    assert total.of_rounds("throughput_rps") == (30.0, None, 10.0)
    assert total.throughput_rps == 20.0


def test_cpu_time_is_divided_by_the_requests_of_the_same_windows() -> None:
    """9.8 s of the service in each of two windows of 1,000 and 3,000 requests: 4.9 ms; single operations have none."""
    [total, read] = summary.summarise([measured([1.0] * 1000), measured([1.0] * 3000)])
    assert total.service_cpu_ms_per_request == pytest.approx(4.9)
    assert total.database_cpu_ms_per_request == pytest.approx(2.0)
    assert total.load_cpu_ms_per_request == pytest.approx(1.0)
    assert total.service_rss_peak_mb == 80.0
    assert list(total.of_rounds("service_cpu_ms_per_request")) == pytest.approx([9.8, 9.8 / 3])
    assert read.service_cpu_ms_per_request is None


def test_collections_are_averaged_over_the_windows_that_know_them() -> None:
    """All of the same length here. The longest is the longest of all, and operations have none of their own."""
    known = [
        replace(measured([1.0] * 10), evidence=evidence(collected=Collected(*figures)))
        for figures in ((1.0, 0.1, 0.06), (3.0, 0.2, 0.05))
    ]
    [total, read] = summary.summarise([*known, measured([1.0] * 10)])
    assert (total.gc_full_per_s, total.gc_share, total.gc_pause_max_ms) == pytest.approx((2.0, 0.15, 60.0))
    assert total.of_rounds("gc_full_per_s") == (1.0, 3.0, None)
    assert (read.gc_full_per_s, read.gc_share, read.gc_pause_max_ms) == (None, None, None)


def test_cpu_time_that_was_not_seen_in_every_window_is_unknown() -> None:
    """An average over some windows would be compared with one over others."""
    unseen = Measurement(measured([1.0] * 10).samples, replace(evidence(), machine=None))
    total = summary.summarise([measured([1.0] * 10), unseen])[0]
    assert total.service_cpu_ms_per_request is None


def test_transactions_are_divided_by_the_requests_of_the_windows_that_know_them() -> None:
    """Operations do not tell theirs apart, unless there is only one; where no window knows them, nobody does."""
    samples = measured([1.0] * 100).samples
    known = Measurement(samples, evidence(requests=100, transactions=205.0))
    unknown = Measurement(samples, evidence(requests=100))
    two = Measurement(samples.with_columns(operation=pl.Series(["a", "b"] * 50)), known.evidence)

    def found(*measurements: Measurement) -> list[float | None]:
        return [one.transactions_per_request for one in summary.summarise(measurements)]

    assert found(known, known, unknown) == [2.05, 2.05]
    assert found(unknown) == [None, None]
    assert found(two) == [2.05, None, None]


def test_the_interval_is_students_t_on_logarithms() -> None:
    """Two rounds, textbook t(0.975, 1) = 12.706: the half width is 12.706 x s / sqrt(2) on the logarithms."""
    interval = mean_interval([math.e, math.e**3])
    assert interval is not None
    assert interval == pytest.approx((math.exp(2 - 12.7062), math.exp(2 + 12.7062)), rel=1e-3)
    low, high = mean_interval([100.0, 102.0, 98.0, 101.0, 99.0]) or (0.0, 0.0)
    assert low < 100 < high


def test_no_interval_from_one_round() -> None:
    """One round says nothing about noise."""
    assert mean_interval([100.0]) is None
    assert mean_interval([100.0, 0.0]) is None
