"""The registry of metrics: its lists, and that what it names is there."""

from dataclasses import fields

import pytest

from bench.analysis import sweeps
from bench.analysis.summary import OperationSummary
from bench.plan import metrics
from bench.plan.metrics import METRICS, Better, Known, Place
from bench.store.rows import SUMMARY


def test_every_figure_of_a_summary_is_a_metric() -> None:
    """And every metric is computed: by its name it is a field."""
    others = {"operation", "rounds", "first_stage"}
    assert {one.name for one in METRICS} == {field.name for field in fields(OperationSummary)} - others


def test_columns_have_the_order_of_the_design() -> None:
    """Metrics between what names a cell and its verdict, and the interval of throughput behind it."""
    assert ",".join(SUMMARY) == (
        "run_id,scenario,operation,service,profile,server,workers,pool_size,parameters,arrival,users,offered_rps,rounds,"
        "requests,failures,failure_ratio,unfinished,throughput_rps,throughput_ci_low,throughput_ci_high,latency_mean_ms,"
        "latency_p50_ms,latency_p90_ms,latency_p95_ms,latency_p99_ms,latency_p999_ms,latency_max_ms,missed_arrivals,"
        "service_cpu_ms_per_request,database_cpu_ms_per_request,load_cpu_ms_per_request,service_rss_peak_mb,"
        "gc_full_per_s,gc_share,gc_pause_max_ms,loop_lag_mean_ms,loop_lag_p99_ms,loop_lag_max_ms,"
        "statements_per_request,round_trips_per_request,transactions_per_request,connections_peak,"
        "idle_in_transaction_peak,bound_by,verdict,reasons,slug,started_at,commit"
    )
    assert ",".join(sweeps.COLUMNS) == (
        "scenario,curve,axis,value,throughput_rps,throughput_ci_low,throughput_ci_high,latency_p50_ms,latency_p99_ms,"
        "service_cpu_ms_per_request,bound_by,verdict,knee_at,is_knee,why"
    )


@pytest.mark.parametrize("place", [Place.COMPARISON, Place.COMPARE, Place.CLAIMS])
def test_what_needs_an_interval_is_known_in_each_round(place: Place) -> None:
    """A comparison, and a ruling, is read off the rounds."""
    assert [one.name for one in metrics.in_(place) if one.known is Known.RUN] == []


def test_what_is_shown_as_a_ratio_is_compared() -> None:
    """The terminal's table has no ratio that comparison.csv lacks."""
    compared = set(metrics.names(Place.COMPARISON))
    assert {*metrics.names(Place.RATIOS), *metrics.names(Place.RATIOS_OF_OPEN_LOAD)} <= compared


def test_more_is_better_only_of_what_is_served() -> None:
    """Everything else is a cost."""
    assert [one.name for one in METRICS if one.better is Better.HIGH] == ["requests", "success_ratio", "throughput_rps"]


@pytest.mark.parametrize(
    ("metric", "candidate", "baseline", "ends"),
    [
        ("throughput_rps", True, False, (False, True)),
        ("throughput_rps", False, True, (True, False)),
        ("latency_p99_ms", True, False, (True, False)),
        ("latency_p99_ms", False, True, (False, True)),
        ("batch_s", True, True, (True, True)),
        ("service_cpu_ms_per_request", True, True, (False, False)),
    ],
)
def test_a_floor_leaves_the_end_open_that_a_fuller_load_could_move(
    metric: str, candidate: bool, baseline: bool, ends: tuple[bool, bool]
) -> None:
    """Throughput could only be higher, latencies only lower; CPU time is what it is."""
    assert metrics.named(metric).open_ends(candidate=candidate, baseline=baseline) == ends
    assert metrics.named(metric).is_bound == any(ends)
