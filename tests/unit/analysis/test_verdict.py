"""Verdicts: every rule speaks up at its threshold, says why, and not before."""

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import bound, verdict
from bench.analysis.evidence import Evidence, nothing
from bench.analysis.recorded.ledger import Drift
from bench.analysis.recorded.load_workers import LoadWorker
from bench.plan.model import Thresholds
from suite.arrival import Arrival
from tests.unit.evidence_of import GOOD, evidence

LIMITS = Thresholds()

# What makes a measurement INVALID, what just does not, and words of the reason.
RULES: list[tuple[Evidence, Evidence, str]] = [
    (evidence(requests=0), evidence(requests=1), "no request ended in the window"),
    (evidence(failures=2), evidence(failures=1), "2 of 1000 requests failed (0.20%, more than 0.1%)"),
    (evidence(failures=10), evidence(), "10 of 1000 requests failed (1.00%"),
    (evidence(users=1), evidence(users=2), "1 of 2 users were running"),
    (evidence(accounted=0.94), evidence(accounted=0.951), "account for 94.0% of the users' time"),
    (evidence(accounted=1.06), evidence(accounted=1.049), "account for 106.0%"),
    (evidence(machine={"changed": ("process 7 of the service ended",)}), evidence(), "process 7 of the service ended"),
    (replace(GOOD, machine=None, unwatched=1), replace(GOOD, machine=None), "do not cover the window (1 lies in it)"),
    (evidence(machine={"clock_jump_s": 3.2}), evidence(machine={"clock_jump_s": 0.1}), "the clock jumped by 3.20 s"),
    (evidence(machine={"suspended_s": 60.0}), evidence(), "the machine was suspended for 60.00 s"),
    (evidence(machine={"steal": 0.021}), evidence(machine={"steal": 0.02}), "the hypervisor took 2.1%"),
    (evidence(machine={"strangers": 0.06}), evidence(machine={"strangers": 0.05}), "cron (pid 7) 0.02 s"),
    (evidence(machine={"throttled_s": 0.4}), evidence(), "throttled for 0.40 s"),
    (evidence(drift=Drift(-0.2, 0.001)), evidence(drift=Drift(-0.2, 0.02)), "drifted by -20.0%"),
    (evidence(drift=Drift(0.11, 0.001)), evidence(drift=Drift(0.1, 0.001)), "drifted by +11.0%"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), RULES, ids=[words for *_, words in RULES])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """One reason, which holds the figure."""
    found = verdict.of_measurement(bad, LIMITS)
    assert found.name == "INVALID"
    [reason] = found.reasons
    assert words in reason.text
    assert verdict.of_measurement(just_good, LIMITS) == verdict.Verdict(verdict.Judgement.VALID)


def test_a_load_that_came_to_no_window_says_only_that() -> None:
    """Nothing else is known of it."""
    assert tuple(map(str, verdict.of_measurement(nothing("Locust crashed", 10, Arrival.CLOSED), LIMITS).reasons)) == (
        "Locust crashed",
        "0 of 10 users were running",
    )


def test_thresholds_are_the_plans() -> None:
    """Each can be set, and failures can be expected."""
    assert verdict.of_measurement(evidence(failures=500), Thresholds(expect_failures=True)).ranks
    assert verdict.of_measurement(evidence(machine={"steal": 0.5}), Thresholds(steal=0.6)).ranks
    assert not verdict.of_measurement(evidence(accounted=0.98), Thresholds(accounting=0.01)).ranks


def test_a_saturated_generator_makes_a_floor() -> None:
    """The load's CPU over 90% busy while the service's is not: a lower bound, with who was on that CPU."""
    busy = {"cpu_busy": {0: 0.96, 1: 0.7}, "cpu_s": {"service": 7.0, "load": 9.0, "database": 0.6}}
    found = verdict.of_measurement(evidence(machine=busy), LIMITS)
    assert found.name == "FLOOR"
    assert found.ranks
    assert "the load's CPU was 96% busy and the service's 70%" in found.reasons[0].text
    assert "load 90%" in found.reasons[0].text
    both_full: dict[str, Any] = {"cpu_busy": {0: 0.96, 1: 0.97}}
    assert verdict.of_measurement(evidence(machine=both_full), LIMITS).name == "VALID"


def open_load(**changes: Any) -> Evidence:
    """1,000 arrivals due in 10 s, of which 1,000 were sent unless changed; the service far from full."""
    machine = {"cpu_busy": {0: 0.4, 1: 0.3}, "cpu_s": {"service": 3.0, "load": 1.0}, "pool": 0.1}
    machine |= changes.pop("machine", {})
    return evidence(machine=machine, **{"arrival": "open", "offered_rps": 100.0, "accounted": None, **changes})


def test_an_open_load_must_keep_its_rate() -> None:
    """2% off is INVALID, unless arrivals come by chance (4 sigma more) or the service could not do more."""
    assert verdict.of_measurement(open_load(requests=980, missed=20), LIMITS).name == "VALID"
    missed = verdict.of_measurement(open_load(requests=970, missed=30), LIMITS)
    assert tuple(map(str, missed.reasons)) == (
        "970 requests were sent of the 1,000 due (97.0%; 30 found no free user)",
    )
    assert verdict.of_measurement(open_load(requests=970, by_chance=True), LIMITS).name == "VALID"
    full = {"cpu_busy": {0: 0.4, 1: 0.99}, "cpu_s": {"service": 9.9}}
    assert verdict.of_measurement(open_load(requests=500, missed=500, machine=full), LIMITS).name == "VALID"


def test_a_cell_is_as_bad_as_its_worst_round() -> None:
    """The reasons say which rounds."""
    found = verdict.of_cell([GOOD, evidence(users=1), GOOD, evidence(failures=7)], LIMITS)
    assert found.name == "INVALID"
    assert tuple(map(str, found.reasons)) == (
        "round 2: 1 of 2 users were running",
        "round 4: 7 of 1000 requests failed (0.70%, more than 0.1%)",
    )
    assert verdict.of_cell([GOOD, GOOD], LIMITS).name == "VALID"


def test_what_came_from_outside_is_measured_again() -> None:
    """A noisy neighbour may be gone the next time; a failing service will fail again."""
    assert "other processes used" in verdict.disturbance(evidence(machine={"strangers": 0.5}), LIMITS)
    assert verdict.disturbance(evidence(failures=500), LIMITS) == ""
    assert verdict.disturbance(GOOD, LIMITS) == ""


def test_what_could_not_be_seen_is_not_held_against_a_cell() -> None:
    """Where there is no /proc, the rules about the machine are silent."""
    blind = Evidence(**{**vars(GOOD), "machine": None})
    assert verdict.of_measurement(blind, LIMITS) == verdict.Verdict(verdict.Judgement.VALID)


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        (LoadWorker("b-1", 1, lost_s=3.24), "1 of 2 load workers lost: b-1, last heard of 3.2 s into the window"),
        (LoadWorker("b-1", 1, lost_s=-0.5), "last heard of 0.5 s before the window"),
        (LoadWorker("b-1", 0, joined_s=2.0), "load workers came late: b-1 joined 2.0 s into the window"),
        (LoadWorker("b-1", 1, clock_off_s=-0.11), "the clock of load worker b-1 is -0.11 s behind ours"),
    ],
)
def test_what_happens_to_a_worker_makes_a_cell_invalid(worker: LoadWorker, words: str) -> None:
    """One reason that names it; a clock within the tolerance is none."""
    good = LoadWorker("a-0", 1, clock_off_s=0.1, cpu_share=0.9)
    [reason] = verdict.of_measurement(evidence(load_workers=(good, worker)), LIMITS).reasons
    assert words in reason.text
    assert verdict.of_measurement(evidence(load_workers=(good,)), LIMITS).name == "VALID"


def test_a_full_worker_makes_a_floor_unless_the_service_was_full() -> None:
    """One worker that uses its CPU up waits for itself, however idle the others are."""
    full = (LoadWorker("a-0", 1, cpu_share=0.95), LoadWorker("b-1", 1, cpu_share=0.2))
    idle = {"cpu_busy": {0: 0.5, 1: 0.5}, "cpu_s": {"service": 4.0, "load": 5.0}}
    found = verdict.of_measurement(evidence(load_workers=full, machine=idle), LIMITS)
    assert found.name == "FLOOR"
    assert "load worker a-0 used 95% of a CPU and the service's CPU was 50% busy" in found.reasons[0].text
    assert bound.of_measurement(evidence(load_workers=full, machine=idle), LIMITS).by == "load"
    assert verdict.of_measurement(evidence(load_workers=full), LIMITS).name == "VALID"
