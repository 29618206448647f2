"""Readings of a window of ten seconds in which everything went on evenly."""

from dataclasses import replace

from bench.analysis.recorded.counters import Cpu
from bench.analysis.recorded.readings import Reading, Use
from bench.analysis.recorded.windows import Window

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)


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
