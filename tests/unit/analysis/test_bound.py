"""What a cell was bound by: the first limit on the way from the service outwards."""

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import bound
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.loop_lag import Lag
from bench.plan.model import Thresholds
from bench.plan.placement import Placement
from tests.unit.evidence_of import GOOD, GROUPS, evidence

LIMITS = Thresholds()
IDLE: dict[str, Any] = {
    "cpu_busy": {0: 0.4, 1: 0.5},
    "cpu_s": {"service": 5.0, "database": 2.0, "load": 1.5},
    "pool": 0.4,
    "threads": 0.2,
}


def idle(**machine: Any) -> Evidence:
    """Nothing full but what is said."""
    return evidence(machine=IDLE | machine)


def late(seen: Evidence, blocked: float) -> Evidence:
    """The same with an event loop that had this share of its timers wait."""
    return replace(seen, lag=Lag(600.0, 1200.0, 1500.0, blocked))


@pytest.mark.parametrize(
    ("seen", "by", "words"),
    [
        (GOOD, "service CPU", "used 98% of the CPU time it can use; its CPU was 99% busy"),
        (idle(pool=1.0, threads=1.0), "pool", "100% of the pool's connections were in use"),
        (idle(pool=0.25, threads=0.97), "threads", "97% of the threads were busy; the service used 50%"),
        (idle(threads=0.97, pool=None), "threads", "97% of the threads"),
        (idle(cpu_busy={0: 0.95, 1: 0.5}, cpu_s={"service": 5.0, "load": 7.0, "database": 2.0}), "load", "load 70%"),
        (idle(cpu_busy={0: 0.95, 1: 0.5}, cpu_s={"service": 5.0, "load": 2.0, "database": 7.0}), "database", "70%"),
        (late(idle(), 0.99), "event loop", "99% of the timers that were due had to wait for the event loop"),
        (late(idle(), 0.5), "load", "nothing was full with 2 users"),
        (late(GOOD, 0.99), "service CPU", "used 98% of the CPU time it can use"),  # a full loop is late, too
        (idle(), "load", "nothing was full with 2 users"),
    ],
)
def test_bounds(seen: Evidence, by: str, words: str) -> None:
    """With the evidence in a sentence."""
    found = bound.of_measurement(seen, LIMITS)
    assert found.by == by
    assert words in found.evidence


def test_a_database_with_cpus_of_its_own() -> None:
    """Four CPUs: the database's two are full, the load's one is not."""
    placed = Placement(service=(3,), load=(0,), database=(1, 2))
    seen = Evidence(**{**vars(idle(cpu_busy={0: 0.3, 1: 0.95, 2: 0.93, 3: 0.5})), "placement": placed})
    assert bound.of_measurement(seen, LIMITS).by == "database"


def test_an_open_load_below_capacity_is_bound_by_its_rate() -> None:
    """Even while the service's CPU is full, as long as the answers keep coming at the rate."""
    open_load = {"arrival": "open", "offered_rps": 100.0}
    seen = Evidence(**{**vars(idle()), **open_load})
    assert bound.of_measurement(seen, LIMITS) == bound.Bound(
        bound.By.OFFERED_RATE,
        "100 of 100 requests/s were answered as they came; the service used 50% of the CPU time it can use",
    )
    behind = Evidence(**{**vars(GOOD), **open_load, "succeeded": 900})
    assert bound.of_measurement(behind, LIMITS).by == "service CPU"


def test_two_workers_on_one_cpu_can_use_one() -> None:
    """And on two CPUs two."""
    assert bound.of_measurement(evidence(workers=2), LIMITS).by == "service CPU"
    two = Evidence(**{**vars(idle()), "workers": 2, "placement": Placement((1, 2), (0,), (0,))})
    seen = Evidence(**{**vars(two), "machine": idle(cpu_busy={0: 0.4, 1: 0.5, 2: 0.5}).machine})
    assert "used 25% of the CPU time it can use" in bound.of_measurement(seen, LIMITS).evidence


def test_one_full_worker_of_several_is_the_services_limit() -> None:
    """Connections are not shared out evenly: what waits for the full one waits. The others' shares are said, too."""
    two = {"workers": 2, "placement": Placement((1, 2), (0,), (0,))}
    used = {"cpu_busy": {0: 0.4, 1: 0.97, 2: 0.65}, "cpu_s": {"service": 16.1, "load": 1.5}}
    seen = evidence(machine=IDLE | used | {"processes_s": {70: 0.1, 71: 6.0, 72: 10.0}}, **two)
    assert bound.of_measurement(seen, LIMITS) == bound.Bound(
        bound.By.SERVICE_CPU,
        "the service used 80% of the CPU time it can use; worker process 72 used 100% of a CPU, the others 60%",
    )
    even = evidence(machine=IDLE | used | {"processes_s": {70: 0.1, 71: 8.0, 72: 8.0}}, **two)
    assert bound.of_measurement(even, LIMITS).by == "load"
    older = evidence(machine=IDLE | used, **two)
    assert bound.of_measurement(older, LIMITS).by == "load"


@pytest.mark.parametrize(("foreign", "by"), [(0.05, "service CPU"), (0.06, ""), (None, "load")])
def test_a_cpu_that_others_filled_is_not_the_services_limit(foreign: float | None, by: str) -> None:
    """The service used 80% of its CPU, which was full: with the service alone, or with what else?"""
    groups = tuple(replace(one, foreign=foreign) for one in GROUPS)
    full = {"cpu_busy": {0: 0.4, 1: 0.99}, "cpu_s": {"service": 8.0, "load": 1.5}, "groups": groups}
    assert bound.of_measurement(idle(**full), LIMITS).by == by
    own = {**full, "cpu_s": {"service": 9.5, "load": 1.5}}
    assert bound.of_measurement(idle(**own), LIMITS).by == "service CPU"


@pytest.mark.parametrize(("foreign", "by"), [(0.1, "database"), (0.7, "")])
def test_a_cpu_of_the_load_that_others_filled_says_nothing_of_load_and_database(foreign: float, by: str) -> None:
    """Load and database share it, or have one each."""
    shared = (GROUPS[0], replace(GROUPS[1], foreign=foreign))
    full: dict[str, Any] = {"cpu_busy": {0: 0.99, 1: 0.5}, "cpu_s": {"service": 5.0, "load": 0.9, "database": 1.2}}
    assert bound.of_measurement(idle(**full, groups=shared), LIMITS).by == by
    service, rest = GROUPS
    apart = (replace(service, cpus=(3,)), replace(rest, cpus=(0,)), replace(rest, cpus=(1, 2), foreign=foreign))
    busy = idle(cpu_busy={0: 0.3, 1: 0.95, 2: 0.93, 3: 0.5}, groups=apart)
    assert bound.of_measurement(replace(busy, placement=Placement((3,), (0,), (1, 2))), LIMITS).by == by


def test_a_cell_is_bound_by_what_most_rounds_were() -> None:
    """Rounds without evidence have no say."""
    assert bound.of_cell([idle(pool=1.0), GOOD, GOOD], LIMITS).by == "service CPU"
    assert bound.of_cell([Evidence(**{**vars(GOOD), "machine": None})], LIMITS) == bound.UNKNOWN


def test_cpus_of_a_database_that_runs_anywhere_say_nothing() -> None:
    """It may be what fills the service's CPU, and its own say nothing of it."""
    anywhere = Placement((1,), (0,), (0,), unplaced=("database",))
    seen = Evidence(**{**vars(idle(cpu_busy={0: 0.5, 1: 0.95})), "placement": anywhere})
    assert bound.of_measurement(seen, LIMITS).by == "load"
    apart = Placement((3,), (0,), (1, 2), unplaced=("database",))
    seen = Evidence(**{**vars(idle(cpu_busy={0: 0.3, 1: 0.95, 2: 0.93, 3: 0.5})), "placement": apart})
    assert bound.of_measurement(seen, LIMITS).by == "load"
