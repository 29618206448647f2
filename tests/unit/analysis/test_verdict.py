"""Verdicts: the worst of all rounds, with the reasons; what is a bound; what is measured again."""

from typing import Any

from bench.analysis import bound, verdict
from bench.analysis.evidence import Evidence, nothing
from bench.analysis.recorded.ledger import Drift
from bench.analysis.recorded.load_workers import LoadWorker
from bench.plan.model import Thresholds
from suite.arrival import Arrival
from tests.unit.evidence_of import GOOD, evidence

LIMITS = Thresholds()


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
    assert verdict.disturbance(evidence(machine={"changed": ("process 7 of the service ended",)}), LIMITS) == ""
    assert verdict.disturbance(evidence(drift=Drift(-0.5, 0.0001)), LIMITS) == ""
    assert verdict.disturbance(GOOD, LIMITS) == ""


def test_a_service_that_ended_by_itself_is_not_measured_again() -> None:
    """It was killed, or it crashed: only the first may go better the next time. Both are INVALID."""
    killed, crashed = (nothing("it ended", 10, Arrival.CLOSED, by_service=own) for own in (False, True))
    assert "it ended" in verdict.disturbance(killed, LIMITS)
    assert verdict.disturbance(crashed, LIMITS) == ""
    assert [verdict.of_measurement(one, LIMITS).reasons[0].text for one in (killed, crashed)] == ["it ended"] * 2


def test_what_could_not_be_seen_is_not_held_against_a_cell() -> None:
    """Where there is no /proc, the rules about the machine are silent."""
    blind = Evidence(**{**vars(GOOD), "machine": None})
    found = verdict.of_cell([GOOD, blind, blind], LIMITS)
    assert (found.name, found.reasons) == ("VALID", ())
    [said] = found.unchecked  # once, however many rounds
    assert (said.kind, said.text) == (
        "not checked", "processes, CPUs, clocks and CPU limits, which this system does not show",
    )  # fmt: skip
    assert verdict.of_measurement(GOOD, LIMITS).unchecked == ()
    assert verdict.of_measurement(evidence(failures=500, machine={"throttled_s": None}), LIMITS).unchecked != ()


def test_a_full_worker_makes_a_floor_unless_the_service_was_full() -> None:
    """One worker that uses its CPU up waits for itself, however idle the others are."""
    full = (LoadWorker("a-0", 1, cpu_share=0.95), LoadWorker("b-1", 1, cpu_share=0.2))
    idle = {"cpu_busy": {0: 0.5, 1: 0.5}, "cpu_s": {"service": 4.0, "load": 5.0}}
    found = verdict.of_measurement(evidence(load_workers=full, machine=idle), LIMITS)
    assert found.name == "FLOOR"
    assert "load worker a-0 used 95% of a CPU and the service's CPU was 50% busy" in found.reasons[0].text
    assert bound.of_measurement(evidence(load_workers=full, machine=idle), LIMITS).by == "load"
    assert verdict.of_measurement(evidence(load_workers=full), LIMITS).name == "VALID"
