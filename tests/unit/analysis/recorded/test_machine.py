"""What readings say of a window: CPU time by role, strangers, disturbances."""

from dataclasses import replace

import pytest

from bench.analysis.recorded import machine
from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.readings import Reading, Use
from bench.analysis.recorded.windows import Window
from bench.plan.placement import Placement
from tests.unit.readings_of import READINGS, SECOND_NS, WINDOW, reading

PLACED = Placement(service=(1,), load=(0,), database=(0,))


def test_what_a_window_used_is_read_off_between_readings() -> None:
    """Its ends lie between two readings each."""
    seen = machine.of(READINGS, [], WINDOW, PLACED)
    assert seen is not None
    assert seen.cpu_s == pytest.approx({"service": 9.0, "database": 3.0, "load": 2.0})
    assert seen.rss_peak_mb == {"service": 80.0, "database": 100.0, "load": 90.0}
    assert seen.cpu_busy == pytest.approx({0: 0.67, 1: 0.95})
    assert seen.steal == pytest.approx(0.005)
    # Of two CPUs 1.46 worked, 1.4 for our processes and 0.03 for the kernel's threads: 0.03 are left. Seen: 0.05.
    assert seen.strangers == pytest.approx(0.025)
    assert seen.strangers_named == "cron (pid 3) 0.06 s, processes that ended at once or cannot be seen 0.44 s"
    assert (seen.changed, seen.clock_jump_s, seen.suspended_s, seen.throttled_s) == ((), 0.0, 0.0, 0.0)
    assert (seen.pool, seen.threads) == (None, None)


def test_the_readings_around_a_short_window_are_used() -> None:
    """One lies in it, as with a window of a second and readings every 0.55 s."""
    window = Window(WINDOW.start_ns, WINDOW.start_ns + SECOND_NS, 3)
    seen = machine.of([reading(-0.05), reading(0.5), reading(1.05)], [], window, PLACED)
    assert seen is not None
    assert seen.cpu_s == pytest.approx({"service": 0.9, "database": 0.3, "load": 0.2})
    assert seen.strangers_named.startswith("cron (pid 3) 0.04 s")
    assert machine.of([reading(-5.0), reading(0.5), reading(6.0)], [], window, PLACED) is None


@pytest.mark.parametrize(
    ("shown", "strangers"),
    [
        (0.0, 0.015),  # at least what our CPUs worked beyond our processes and the kernel's threads
        (0.1, 0.05),  # seen, and there were interrupts enough for ours to have been charged with them
        (7.0, 0.09),  # at most that with all interrupts, whatever was seen elsewhere
        (None, None),  # not Linux
    ],
)
def test_strangers_follow_from_what_cpus_worked(shown: float | None, strangers: float | None) -> None:
    """However much strangers were seen to use: 0.03 to 0.18 of two CPUs are left for them."""
    readings = [
        replace(one, strangers_s=None if shown is None else shown * (one.at_ns - WINDOW.start_ns) / SECOND_NS)
        for one in READINGS
    ]
    seen = machine.of(readings, [], WINDOW, PLACED)
    assert seen is not None
    assert seen.strangers == (None if strangers is None else pytest.approx(strangers))


def test_our_processes_cannot_make_strangers_negative() -> None:
    """Nor can rounding: ours were counted with more than the CPUs worked."""
    roles = {"service": Use(0.0, 1, frozenset())}
    readings = [
        replace(one, roles={"service": replace(roles["service"], cpu_s=3 * one.at_ns / SECOND_NS)}) for one in READINGS
    ]
    seen = machine.of(readings, [], WINDOW, PLACED)
    assert seen is not None
    assert (seen.strangers, seen.strangers_named) == (0.0, "cron (pid 3) 0.06 s")


def test_cpus_that_are_not_shown_say_nothing() -> None:
    """Where /proc/stat cannot be read."""
    assert machine.of([replace(one, cpus={}) for one in READINGS], [], WINDOW, PLACED) is None


def test_a_load_that_ends_right_after_the_window_is_followed_to_its_end() -> None:
    """Its last reading was 0.4 s before the window's end: the line goes on, and does not fall to zero."""
    gone = reading(10.4)
    ended = replace(gone, roles={role: use for role, use in gone.roles.items() if role != "load"})
    seen = machine.of([*READINGS[:4], reading(9.6), ended], [], WINDOW, PLACED)
    assert seen is not None
    assert seen.cpu_s["load"] == pytest.approx(2.0)


def test_gauges_of_the_window_are_averaged() -> None:
    """Those from before and after it are not."""
    gauges = [Gauge(WINDOW.start_ns + round(at_s * 1e9), pool, 0.5) for at_s, pool in ((-1, 0.0), (2, 1.0), (7, 0.6))]
    seen = machine.of(READINGS, gauges, WINDOW, PLACED)
    assert seen is not None
    assert (seen.pool, seen.threads) == (0.8, 0.5)


def test_disturbances_are_seen() -> None:
    """A worker that was replaced, a clock that was set, a machine that slept, a limit that throttled."""
    later = reading(
        6.0,
        roles={"service": Use(50.0, 80_000_000, frozenset({(7, 1.0), (11, 9.0)}))},
        wall_ns=1_700_000_000 * SECOND_NS + 36 * SECOND_NS,
        boot_ns=WINDOW.start_ns + 26 * SECOND_NS,
        throttled_s=1.5,
    )
    seen = machine.of([*READINGS[:3], later, reading(10.4)], [], WINDOW, PLACED)
    assert seen is not None
    assert seen.changed == ("process 8 of the service ended", "process 11 of the service was started")
    assert seen.clock_jump_s == pytest.approx(30)
    assert [seen.suspended_s, seen.throttled_s] == pytest.approx([20, 1.5])


def test_each_process_of_the_service_has_its_own_figure() -> None:
    """Of one that came or went in the window there is none: its line would be continued beyond its life."""

    def later(at_s: float, **by_process: float) -> Reading:
        used = Use(at_s, 1, frozenset(), by_process={int(pid[1:]): share * at_s for pid, share in by_process.items()})
        return reading(at_s, roles={"service": used})

    all_ = [later(-0.5, p7=0.1, p8=0.9, p9=0.2), later(5.0, p7=0.1, p8=0.9, p9=0.2), later(10.5, p7=0.1, p8=0.9, p10=1)]
    seen = machine.of(all_, [], Window(WINDOW.start_ns - SECOND_NS // 2, WINDOW.end_ns + SECOND_NS // 2, 3), PLACED)
    assert seen is not None
    assert seen.processes_s == pytest.approx({7: 1.1, 8: 9.9})


def test_a_control_group_that_cannot_be_read_is_unknown() -> None:
    """Not 0; and whether there are groups around it is passed on."""
    readings = [replace(one, throttled_s=None, enclosed=True) for one in READINGS]
    seen = machine.of(readings, [], WINDOW, PLACED)
    assert seen is not None
    assert (seen.throttled_s, seen.enclosed) == (None, True)


def test_readings_that_do_not_reach_over_the_window_say_nothing() -> None:
    """Half a window's CPU time would pass for a fast service."""
    assert machine.of(READINGS[:3], [], WINDOW, PLACED) is None
    assert machine.of(READINGS[2:], [], WINDOW, PLACED) is None
    assert machine.of([], [], WINDOW, PLACED) is None
