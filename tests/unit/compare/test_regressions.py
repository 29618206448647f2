"""Which changes are regressions."""

import pytest

from bench.analysis.pairs import Conclusion
from bench.compare import regressions
from bench.compare.changes import Change, SharedChange
from bench.compare.net import Factor
from tests.unit.compare.document_of import KEYS

CELL = ("point_read", "asyncpg_async", *KEYS)


def made(
    metric: str, low: float | None, high: float | None, conclusion: str = "higher", operation: str = "all"
) -> Change:
    return Change(CELL, operation, metric, (5, 5), 1.0, 1.0, 1.0, low, high, Conclusion(conclusion), "")


@pytest.mark.parametrize(
    ("one", "is_regression"),
    [
        (made("throughput_rps", 0.90, 0.9499, "lower"), True),
        (made("throughput_rps", 0.90, 0.95, "lower"), False),  # exactly at the limit
        (made("throughput_rps", 1.06, 1.20), False),  # for the better
        (made("throughput_rps", None, 0.90, "lower"), True),
        (made("throughput_rps", None, None, "not comparable"), False),
        (made("latency_p99_ms", 1.0501, 1.2), True),
        (made("latency_p99_ms", 1.05, 1.2), False),
        (made("latency_p50_ms", 0.8, 0.9, "lower"), False),
        (made("service_cpu_ms_per_request", 1.2, 1.3), True),
        (made("service_rss_peak_mb", 1.06, None), True),
        (made("failure_ratio", 2.0, 3.0), True),
        (made("latency_p99_ms", 2.0, 3.0, "not comparable"), False),
        (made("latency_p99_ms", 2.0, 3.0, operation="read_user"), False),
    ],
)
def test_a_regression_lies_wholly_beyond_the_limit(one: Change, is_regression: bool) -> None:
    """On the bad side: throughput below 95%, everything else above 105%."""
    assert regressions.regressed([one], 0.05) == ([one] if is_regression else [])


def test_a_net_change_is_judged_where_it_is_known() -> None:
    """A machine that became faster hides no regression, and a slower one makes none."""
    hidden = Change(
        CELL, "all", "throughput_rps", (5, 5), 1.0, 1.0, 1.0, 0.98, 1.02, Conclusion.LOWER, "", 1.1, 0.91, 0.89, 0.93
    )
    made_up = Change(
        CELL,
        "all",
        "throughput_rps",
        (5, 5),
        1.0,
        1.0,
        0.9,
        0.88,
        0.92,
        Conclusion.NONE_SHOWN,
        "",
        0.9,
        1.0,
        0.98,
        1.02,
    )
    assert regressions.regressed([hidden, made_up], 0.05) == [hidden]


@pytest.mark.parametrize(
    ("metric", "low", "high", "operation", "is_regression"),
    [
        ("throughput_rps", 0.90, 0.94, "all", True),
        ("throughput_rps", 0.90, 0.95, "all", False),
        ("throughput_rps", 1.06, 1.2, "all", False),
        ("latency_p99_ms", 1.06, 1.2, "all", True),
        ("latency_p99_ms", 1.06, 1.2, "read_user", False),
    ],
)
def test_all_cells_together_can_be_a_regression(
    metric: str, low: float, high: float, operation: str, *, is_regression: bool
) -> None:
    """An upgrade that makes all services slower must not pass because they are slower together."""
    one = SharedChange(operation, metric, 4, Factor((low + high) / 2, low, high))
    assert regressions.regressed_together([one], 0.05) == ([one] if is_regression else [])
