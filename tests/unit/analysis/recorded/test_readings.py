"""Cumulative readings: what lies between two of them, and how they are written."""

import pytest

from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.readings import Reading, Use, grown, interpolated, resources_csv
from tests.unit.readings_of import READINGS, SECOND_NS, WINDOW, reading


def test_resources_are_kept_in_order_of_time() -> None:
    """A row a role, the strangers, each CPU and each answer of /metrics."""
    text = resources_csv(READINGS[:2], [Gauge(WINDOW.start_ns, 0.5, None)], WINDOW)
    assert text.splitlines()[:8] == [
        "at_s,subject,cpu_s,steal_s,rss_mb,pool,threads",
        "-0.300,service,44.73,,80,,",
        "-0.300,database,14.91,,100,,",
        "-0.300,load,9.94,,90,,",
        "-0.300,strangers,2.485,,,,",
        "-0.300,cpu 0,33.299,0.497,,,",
        "-0.300,cpu 1,47.215,0,,,",
        "0.000,gauges,,,,0.5,",
    ]


def test_a_figure_lies_on_the_line_between_its_readings() -> None:
    """Beyond the first and the last the nearest line goes on."""
    series = [(10, 1.0), (20, 3.0), (40, 4.0)]
    found = {at_ns: interpolated(series, at_ns) for at_ns in (0, 10, 15, 20, 30, 40, 60)}
    assert found == {0: -1.0, 10: 1.0, 15: 2.0, 20: 3.0, 30: 3.5, 40: 4.0, 60: 5.0}


def test_every_cumulative_figure_grows_between_two_moments() -> None:
    """By what it is of, and by CPU; what was read once has no line."""
    found = grown([*READINGS, reading(11.0, strangers_s=None, kernel={7: 1.0})], WINDOW.start_ns, WINDOW.end_ns)
    assert found == pytest.approx(
        {
            "cpu service": 9.0, "cpu database": 3.0, "cpu load": 2.0, "strangers": 0.5,
            "kernel 0": 0.1, "kernel 1": 0.2, "kernel 2": 50.0,
            "working 0": 5.6, "interrupts 0": 1.0, "steal 0": 0.1, "busy 0": 6.7,
            "working 1": 9.0, "interrupts 1": 0.5, "steal 1": 0.0, "busy 1": 9.5,
        }
    )  # fmt: skip


def test_processes_and_what_was_seen_on_each_cpu_grow_too() -> None:
    """By pid, and by who and CPU; readings of older versions have neither."""

    def later(at_s: float) -> Reading:
        service = Use(at_s, 1, frozenset(), by_process={7: 0.9 * at_s})
        return reading(at_s, roles={"service": service}, seen_on={"strangers": {0: 0.1 * at_s, 1: 0.0}})

    found = grown([later(-1.0), later(11.0)], WINDOW.start_ns, WINDOW.end_ns)
    assert (found["process 7"], found["strangers on 0"], found["strangers on 1"]) == pytest.approx((9.0, 1.0, 0.0))
    assert not any(" on " in name or name.startswith("process") for name in grown(READINGS, 0, WINDOW.end_ns))


def test_a_window_may_lie_between_two_readings() -> None:
    """Its part of the line is what it used."""
    start_ns = WINDOW.start_ns + 4 * SECOND_NS
    assert grown(READINGS, start_ns, start_ns + SECOND_NS)["cpu service"] == pytest.approx(0.9)


def test_strangers_that_are_not_shown_have_no_row() -> None:
    """Nor has a gauge that says nothing any figure."""
    text = resources_csv(
        [reading(1.0, strangers_s=None, cpus={}, roles={})], [Gauge(WINDOW.end_ns, None, None)], WINDOW
    )
    assert text == "at_s,subject,cpu_s,steal_s,rss_mb,pool,threads\n10.000,gauges,,,,,\n"
