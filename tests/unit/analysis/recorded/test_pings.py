"""Pings beside a load: which count for a window, and how all are stored."""

import pytest

from bench.analysis.recorded.pings import Ping, inside, ping_csv, unanswered
from bench.analysis.recorded.windows import Window


def test_pings_are_stored_in_the_order_in_which_they_were_due() -> None:
    """Answers may overtake each other."""
    pings = [Ping(1_250_000_000, 1_260_000_000, 200), Ping(1_000_000_000, 1_500_000_000, 0)]
    window = Window(1_000_000_000, 2_000_000_000, 1)
    assert ping_csv(pings, window) == "at_s,latency_ms,status\n0.000,500.000,0\n0.250,10.000,200\n"
    assert inside(pings, window) == pytest.approx([10.0, 500.0])


def test_pings_count_that_were_due_in_the_window() -> None:
    """At its first nanosecond, not at the one after its last. An error is no fast answer; no answer is a slow one."""
    window = Window(1_000_000_000, 2_000_000_000, 1)
    ms = 1_000_000
    pings = [
        Ping(window.start_ns - 1, window.start_ns + ms, 200),
        Ping(window.start_ns, window.start_ns + 3 * ms, 200),
        Ping(window.start_ns, window.start_ns + ms, 503),
        Ping(window.end_ns - ms, window.end_ns + ms, 200),
        Ping(window.end_ns, window.end_ns + ms, 200),
        Ping(window.start_ns, window.end_ns + 4000 * ms, 0),
    ]
    assert inside(pings, window) == [2.0, 3.0, 5000.0]
    assert unanswered(pings, window) == 2
