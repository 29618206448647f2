"""Evidence: the users' time accounted for exactly, drift told from noise, and what readings say of a window."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from bench.analysis import evidence
from bench.analysis.evidence import Gauge
from bench.analysis.recorded.counters import Cpu
from bench.analysis.recorded.readings import Reading, Use
from bench.analysis.recorded.windows import Window
from bench.plan.placement import Placement

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)
SCHEMA = {"start_ns": pl.Int64, "service_time_ns": pl.Int64, "ok": pl.Boolean}
PLACED = Placement(service=(1,), load=(0,), database=(0,))


def log(*requests: tuple[float, float]) -> pl.DataFrame:
    """Requests by start and end, in seconds from the window's start."""
    start_ns = [WINDOW.start_ns + round(start * SECOND_NS) for start, _ in requests]
    took_ns = [round((end - start) * SECOND_NS) for start, end in requests]
    return pl.DataFrame({"start_ns": start_ns, "service_time_ns": took_ns, "ok": [True] * len(requests)}, schema=SCHEMA)


def test_requests_cut_by_both_edges_account_for_the_users_time_exactly() -> None:
    """Three users who never wait. One request began before the window, one ends after it, one spans all of it."""
    first = [(-0.7, 1.3), (1.3, 4.0), (4.0, 9.25), (9.25, 12.0)]
    second = [(-5.0, 15.0)]
    third = [(number * 0.01 - 0.005, number * 0.01 + 0.005) for number in range(1001)]
    assert evidence.accounted(log(*first, *second, *third), WINDOW, 3) == 1.0


def test_what_is_missing_shows() -> None:
    """A user who waited 2.5 of 10 s between requests; requests outside the window count for nothing."""
    assert evidence.accounted(log((-1, 5), (7.5, 11), (11, 30), (-4, -1)), WINDOW, 1) == 0.75
    assert evidence.accounted(log((0, 10)), WINDOW, 2) == 0.5
    assert evidence.accounted(log(), WINDOW, 2) == 0.0


def test_a_steady_rate_does_not_drift() -> None:
    """1,000 a second, evenly: no rise, and nothing to be sure of."""
    steady = log(*((number / 1000 - 0.1, number / 1000) for number in range(10_000)))
    drift = evidence.drift(steady, WINDOW)
    assert drift is not None
    assert drift.share == pytest.approx(0, abs=0.002)
    assert drift.p > 0.05


def test_a_rising_rate_drifts_by_its_rise() -> None:
    """From 800 a second to 1,200: 40% of the mean, less what the ten slices smooth away."""
    times, at_s = [], 0.0
    while at_s < 10:
        times.append((at_s - 0.001, at_s))
        at_s += 1 / (800 + 40 * at_s)
    drift = evidence.drift(log(*times), WINDOW)
    assert drift is not None
    assert drift.share == pytest.approx(0.4, abs=0.01)
    assert drift.p < 0.001


def test_noise_is_rarely_called_drift() -> None:
    """Of 2,000 steady windows with independent noise, 1% have p below 0.01."""
    chance, called = np.random.default_rng(3), 0
    for _ in range(2_000):
        ends_s = np.repeat(np.arange(10) + 0.5, np.rint(chance.normal(400, 20, 10)).astype(int))
        frame = pl.DataFrame(
            {"start_ns": (ends_s * 1e9).astype(np.int64) + WINDOW.start_ns, "service_time_ns": 0, "ok": True}
        )
        drift = evidence.drift(frame, WINDOW)
        assert drift is not None
        called += drift.p < 0.01
    assert called / 2_000 == pytest.approx(0.01, abs=0.007)


def test_nothing_has_no_drift() -> None:
    """No success, no rate."""
    assert evidence.drift(log(), WINDOW) is None


def reading(at_s: float, **changes: object) -> Reading:
    """At so many seconds from the window's start: service 0.9 CPUs, database 0.3, load 0.2, a stranger 0.05."""
    since_s = at_s + 50
    made = Reading(
        at_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
        roles={
            "service": Use(0.9 * since_s, 80_000_000, frozenset({(7, 1.0), (8, 1.5)})),
            "database": Use(0.3 * since_s, 100_000_000, frozenset({(9, 1.0)})),
            "load": Use(0.2 * since_s, 90_000_000, frozenset({(10, 1.0)})),
        },
        strangers={"cron (pid 3)": 0.02},
        strangers_s=0.05 * since_s,
        kernel={0: 0.01 * since_s, 1: 0.02 * since_s, 2: 5.0 * since_s},
        cpus={0: Cpu(0.56 * since_s, 0.1 * since_s, 0.01 * since_s), 1: Cpu(0.9 * since_s, 0.05 * since_s, 0.0)},
        wall_ns=1_700_000_000 * SECOND_NS + round(at_s * SECOND_NS),
        boot_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
        throttled_s=0.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


READINGS = [reading(at_s) for at_s in (-0.3, 0.2, 3.0, 6.0, 9.9, 10.4)]


def test_what_a_window_used_is_read_off_between_readings() -> None:
    """Its ends lie between two readings each."""
    machine = evidence.machine(READINGS, [], WINDOW, PLACED)
    assert machine is not None
    assert machine.cpu_s == pytest.approx({"service": 9.0, "database": 3.0, "load": 2.0})
    assert machine.rss_peak_mb == {"service": 80.0, "database": 100.0, "load": 90.0}
    assert machine.cpu_busy == pytest.approx({0: 0.67, 1: 0.95})
    assert machine.steal == pytest.approx(0.005)
    # Of two CPUs 1.46 worked, 1.4 for our processes and 0.03 for the kernel's threads: 0.03 are left. Seen: 0.05.
    assert machine.strangers == pytest.approx(0.025)
    assert machine.strangers_named == "cron (pid 3) 0.06 s, processes that ended at once or cannot be seen 0.44 s"
    assert (machine.changed, machine.clock_jump_s, machine.suspended_s, machine.throttled_s) == ((), 0.0, 0.0, 0.0)
    assert (machine.pool, machine.threads) == (None, None)


@pytest.mark.parametrize(
    ("seen", "strangers"),
    [
        (0.0, 0.015),  # at least what our CPUs worked beyond our processes and the kernel's threads
        (0.1, 0.05),  # seen, and there were interrupts enough for ours to have been charged with them
        (7.0, 0.09),  # at most that with all interrupts, whatever was seen elsewhere
        (None, None),  # not Linux
    ],
)
def test_strangers_follow_from_what_cpus_worked(seen: float | None, strangers: float | None) -> None:
    """However much strangers were seen to use: 0.03 to 0.18 of two CPUs are left for them."""
    readings = [
        replace(one, strangers_s=None if seen is None else seen * (one.at_ns - WINDOW.start_ns) / SECOND_NS)
        for one in READINGS
    ]
    machine = evidence.machine(readings, [], WINDOW, PLACED)
    assert machine is not None
    assert machine.strangers == (None if strangers is None else pytest.approx(strangers))


def test_our_processes_cannot_make_strangers_negative() -> None:
    """Nor can rounding: ours were counted with more than the CPUs worked."""
    roles = {"service": Use(0.0, 1, frozenset())}
    readings = [
        replace(one, roles={"service": replace(roles["service"], cpu_s=3 * one.at_ns / SECOND_NS)}) for one in READINGS
    ]
    machine = evidence.machine(readings, [], WINDOW, PLACED)
    assert machine is not None
    assert (machine.strangers, machine.strangers_named) == (0.0, "cron (pid 3) 0.06 s")


def test_cpus_that_are_not_shown_say_nothing() -> None:
    """Where /proc/stat cannot be read."""
    assert evidence.machine([replace(one, cpus={}) for one in READINGS], [], WINDOW, PLACED) is None


def test_a_load_that_ends_right_after_the_window_is_followed_to_its_end() -> None:
    """Its last reading was 0.4 s before the window's end: the line goes on, and does not fall to zero."""
    gone = reading(10.4)
    ended = replace(gone, roles={role: use for role, use in gone.roles.items() if role != "load"})
    machine = evidence.machine([*READINGS[:4], reading(9.6), ended], [], WINDOW, PLACED)
    assert machine is not None
    assert machine.cpu_s["load"] == pytest.approx(2.0)


def test_gauges_of_the_window_are_averaged() -> None:
    """Those from before and after it are not."""
    gauges = [Gauge(WINDOW.start_ns + round(at_s * 1e9), pool, 0.5) for at_s, pool in ((-1, 0.0), (2, 1.0), (7, 0.6))]
    machine = evidence.machine(READINGS, gauges, WINDOW, PLACED)
    assert machine is not None
    assert (machine.pool, machine.threads) == (0.8, 0.5)


def test_disturbances_are_seen() -> None:
    """A worker that was replaced, a clock that was set, a machine that slept, a limit that throttled."""
    later = reading(
        6.0,
        roles={"service": Use(50.0, 80_000_000, frozenset({(7, 1.0), (11, 9.0)}))},
        wall_ns=1_700_000_000 * SECOND_NS + 36 * SECOND_NS,
        boot_ns=WINDOW.start_ns + 26 * SECOND_NS,
        throttled_s=1.5,
    )
    machine = evidence.machine([*READINGS[:3], later, reading(10.4)], [], WINDOW, PLACED)
    assert machine is not None
    assert machine.changed == ("process 8 of the service ended", "process 11 of the service was started")
    assert machine.clock_jump_s == pytest.approx(30)
    assert [machine.suspended_s, machine.throttled_s] == pytest.approx([20, 1.5])


def test_readings_that_do_not_reach_over_the_window_say_nothing() -> None:
    """Half a window's CPU time would pass for a fast service."""
    assert evidence.machine(READINGS[:3], [], WINDOW, PLACED) is None
    assert evidence.machine(READINGS[2:], [], WINDOW, PLACED) is None
    assert evidence.machine([], [], WINDOW, PLACED) is None


def test_resources_are_kept_in_order_of_time() -> None:
    """A row a role, the strangers, each CPU and each answer of /metrics."""
    text = evidence.resources_csv(READINGS[:2], [Gauge(WINDOW.start_ns, 0.5, None)], WINDOW)
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
