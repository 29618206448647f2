"""Numbers from samples: exact percentiles, throughput of successes, verdicts, intervals."""

import math

import polars as pl
import pytest

from bench import analysis
from bench.analysis import Measurement
from bench.intervals import mean_interval


def measured(latencies_ms: list[float], *, failed: int = 0, length_s: float = 10.0, users: int = 1) -> Measurement:
    count = len(latencies_ms)
    frame = pl.DataFrame(
        {
            "operation": ["read_user"] * count,
            "error": ["status 500 instead of 200"] * failed + [""] * (count - failed),
            "body_bytes": [100] * count,
            "latency_ns": [round(ms * 1e6) for ms in latencies_ms],
            "ok": [False] * failed + [True] * (count - failed),
        }
    )
    return Measurement(frame, length_s, users)


def test_a_percentile_is_the_value_at_the_nearest_rank() -> None:
    """Of 1..1000, the 50th percentile is 500 and the 90th 900: no interpolation, no rank too high."""
    ascending = pl.Series(range(1, 1001))
    assert analysis.percentile(ascending, 0.5) == 500
    assert analysis.percentile(ascending, 0.9) == 900
    assert analysis.percentile(pl.Series(range(1, 1002)), 0.5) == 501


def test_a_percentile_needs_a_hundred_samples_beyond_it() -> None:
    """p99 is known from 10,000 samples on, and unknown, not zero, before."""
    assert analysis.percentile(pl.Series(range(10_000)), 0.99) == 9899
    assert analysis.percentile(pl.Series(range(9_999)), 0.99) is None
    assert analysis.percentile(pl.Series([], dtype=pl.Int64), 0.5) is None


def test_throughput_and_latency_count_successes_only() -> None:
    """A service that fails fast does not look fast."""
    [total, read] = analysis.summarise([measured([1.0] * 500 + [100.0] * 500, failed=500)])
    assert (total.requests, total.failures, total.failure_ratio) == (1000, 500, 0.5)
    assert total.throughput_rps == 50
    assert total.latency_mean_ms == total.latency_p50_ms == total.latency_max_ms == 100
    assert read.operation == "read_user"
    assert (read.requests, read.failures) == (1000, 500)


def test_windows_are_pooled_and_kept_apart() -> None:
    """Percentiles pool all windows; each window's own throughput stays known."""
    total = analysis.summarise([measured([1.0] * 300), measured([3.0] * 100, length_s=5.0)])[0]
    assert total.throughput_rps == pytest.approx(400 / 15)
    assert total.round_rps == (30.0, 20.0)
    assert total.latency_mean_ms == pytest.approx(1.5)


def test_nothing_measured_is_unknown_not_zero() -> None:
    """A cell whose load crashed has no throughput and no latency."""
    [total] = analysis.summarise([Measurement(pl.DataFrame(), 0.0, 0, "Locust ended with exit code 1")])
    assert (total.requests, total.throughput_rps, total.latency_mean_ms, total.failure_ratio) == (0, None, None, None)


def test_a_window_without_requests_is_invalid() -> None:
    """There is no winner with 0 ms."""
    verdict = analysis.verdict([measured([])], users=1)
    assert not verdict.ranks
    assert "no request ended in the window" in verdict.reasons[0]


def test_more_than_a_thousandth_of_failures_is_invalid() -> None:
    """0.1% may fail; more may not."""
    assert analysis.verdict([measured([1.0] * 1000, failed=1)], users=1).ranks
    verdict = analysis.verdict([measured([1.0] * 1000, failed=2)], users=1)
    assert not verdict.ranks
    assert "2 of 1000 requests failed" in verdict.reasons[0]


def test_missing_users_and_crashed_loads_are_invalid() -> None:
    """The reason names the measurement."""
    few = analysis.verdict([measured([1.0] * 10, users=9)], users=10)
    assert "9 of 10 users" in few.reasons[0]
    crashed = analysis.verdict([measured([1.0]), Measurement(pl.DataFrame(), 0.0, 0, "Locust crashed")], users=1)
    assert crashed.reasons == ("measurement 2: Locust crashed",)


def test_errors_are_counted_by_what_they_say() -> None:
    """Most frequent first."""
    assert analysis.errors([measured([1.0] * 10, failed=3)]) == (("status 500 instead of 200", 3),)
    assert analysis.errors([measured([1.0] * 10)]) == ()


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
