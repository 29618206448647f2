"""Verdicts: the worst of all rounds, with the reasons; what is a bound; what is measured again."""

from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import bound, verdict
from bench.analysis.evidence import Evidence, nothing
from bench.analysis.recorded.ledger import Drift
from bench.analysis.recorded.load_workers import LoadWorker
from bench.analysis.recorded.work import Work
from bench.analysis.slices.figures import Slice
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
    restarted = evidence(machine={"changed": ("process 7 of the service ended",)})
    found = verdict.of_cell([GOOD, restarted, GOOD, evidence(failures=7)], LIMITS)
    assert found.name == "INVALID"
    assert tuple(map(str, found.reasons)) == (
        "round 2: process 7 of the service ended",
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


DISTURBED = evidence(machine={"strangers": 0.5})


@pytest.mark.parametrize(
    ("fine", "disturbed", "name", "out"),
    [
        (1, 0, "VALID", 0),
        (0, 1, "INVALID", 0),
        (1, 1, "INVALID", 0),  # two rounds need both
        (2, 1, "INVALID", 0),
        (3, 1, "VALID", 1),
        (3, 3, "VALID", 3),
        (3, 4, "INVALID", 0),  # fewer than half
        (5, 4, "VALID", 4),
    ],
)
def test_disturbed_rounds_are_left_out_while_enough_are_left(fine: int, disturbed: int, name: str, out: int) -> None:
    """Three at least, or all where there are fewer, and half of those measured."""
    rounds = [GOOD] * fine + [DISTURBED] * disturbed
    found = verdict.of_cell(rounds, LIMITS)
    assert (found.name, len(verdict.left_out(rounds, LIMITS))) == (name, out)
    named = [str(one).partition(":")[0] for one in found.reasons if one.about]
    assert named == ([] if name == "VALID" else [f"round {fine + number}" for number in range(1, disturbed + 1)])
    few = [one.text for one in found.reasons if not one.about]
    many = fine and name == "INVALID"
    assert few == (
        [f"{fine} of {fine + disturbed} rounds were not disturbed, which is too few to leave the others out"]
        * bool(many)
    )


def test_a_round_that_counts_and_is_invalid_makes_the_cell_invalid() -> None:
    """However many others were left out: rules that look at the result leave nothing out."""
    slow = evidence(machine={"changed": ("process 7 of the service ended",)})
    found = verdict.of_cell([GOOD, GOOD, slow, GOOD, DISTURBED], LIMITS)
    assert (found.name, [one.about for one in found.reasons]) == ("INVALID", ["round 3"])
    both = evidence(failures=500, machine={"strangers": 0.5})  # its failures may be those of the disturbance
    assert verdict.of_cell([GOOD, GOOD, GOOD, both], LIMITS).name == "VALID"


def sliced(share: float, p: float = 0.5) -> Evidence:
    """One round of a cell that took turns, with this drift."""
    slices = tuple(Slice(number, number, 1.0, 100, 100, 0.9) for number in range(1, 11))
    return evidence(slices=slices, slices_planned=10, drift=Drift(share, p))


def test_drift_of_slices_is_judged_over_all_rounds() -> None:
    """A single round's slices have too much noise; with one round there is nothing else."""
    noisy = [sliced(share, 0.001) for share in (0.3, -0.25, 0.2, -0.3)]
    assert verdict.of_cell(noisy, LIMITS).name == "VALID"
    found = verdict.of_cell([sliced(share) for share in (0.14, 0.15, 0.16, 0.155, 0.145)], LIMITS)
    assert tuple(map(str, found.reasons)) == (
        "throughput drifted by +15.0% within a round, on average over 5 rounds (p = 0.0000)",
    )
    assert found.reasons[0].which == "drifted"
    assert verdict.of_cell([sliced(0.09)] * 5, LIMITS).name == "VALID"  # sure, but small
    assert verdict.of_cell([sliced(0.0)] * 5, LIMITS).name == "VALID"
    assert verdict.of_cell([sliced(0.5), sliced(-0.2)], LIMITS).name == "VALID"  # large, but not sure
    assert verdict.of_cell([sliced(0.2)] * 5, Thresholds(expect_drift=True)).name == "VALID"
    assert verdict.of_cell([sliced(0.3, 0.001)], LIMITS).name == "INVALID"
    assert verdict.of_cell([evidence(drift=Drift(0.3, 0.001)), GOOD], LIMITS).name == "INVALID"


def test_littles_law_of_slices_is_judged_over_all_rounds() -> None:
    """A changing machine moves rounds up and down. A service that holds requests back moves all in one direction."""

    def rounds(*shares: float) -> list[Evidence]:
        return [replace(sliced(0.0), little=share) for share in shares]

    assert verdict.of_cell(rounds(1.09, 0.92, 1.02, 0.97, 1.03), LIMITS).name == "VALID"
    found = verdict.of_cell(rounds(1.07, 1.06, 1.08, 1.07, 1.07), LIMITS)
    assert str(found.reasons[0]) == (
        "mean latency x throughput is 107.0% of the requests in the service, on average over 5 rounds, not 100% within"
        " 5%: no steady state"
    )
    assert found.reasons[0].which == "unsteady"
    assert verdict.of_cell(rounds(1.09), LIMITS).name == "INVALID"
    assert verdict.of_cell([evidence(little=1.09), evidence(little=0.92)], LIMITS).name == "INVALID"


def test_drift_can_be_expected() -> None:
    """Of one window, too."""
    drifting = evidence(drift=Drift(0.3, 0.001))
    assert verdict.of_cell([drifting], Thresholds(expect_drift=True)).name == "VALID"


def test_a_plan_with_looser_thresholds_judges_nothing() -> None:
    """What would be VALID or FLOOR is UNJUDGED, with the thresholds and the defaults; INVALID stays INVALID."""
    loose = Thresholds(strangers=0.5, drift=1.0, expect_failures=True)
    found = verdict.of_cell([GOOD, GOOD], loose)
    assert (found.name, found.ranks, found.is_bound) == (verdict.Judgement.UNJUDGED, False, False)
    [reason] = found.reasons
    assert (
        reason.text == "the plan loosens the thresholds of the verdict: strangers = 0.5 (not 0.05), drift = 1 (not 0.1)"
    )
    busy = {"cpu_busy": {0: 0.96, 1: 0.7}, "cpu_s": {"service": 7.0, "load": 9.0, "database": 0.6}}
    bounded = verdict.of_cell([evidence(machine=busy)], loose)
    assert (bounded.name, [one.kind for one in bounded.reasons]) == ("UNJUDGED", ["UNJUDGED", "FLOOR"])
    assert verdict.of_cell([evidence(requests=0, completed=0)], loose).name == "INVALID"
    assert verdict.of_cell([GOOD], Thresholds(strangers=0.01, expect_failures=True)).name == "VALID"


def test_transactions_that_could_not_be_counted_are_not_checked() -> None:
    """Where verification has counted some; otherwise there is nothing to check."""
    gaps = evidence(transactions_unknown="9.0 s were between two turns", work=Work(1.0, 1.0))
    [said] = verdict.of_measurement(gaps, LIMITS).unchecked
    assert said.text == "transactions: 9.0 s were between two turns"
    assert verdict.of_measurement(evidence(transactions_unknown="x", work=Work(0.0, 0.0)), LIMITS).unchecked == ()
