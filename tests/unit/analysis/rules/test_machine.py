"""Machine: what else used it, and what happened to the service's processes."""

from dataclasses import replace

import pytest

from bench.analysis.evidence import Evidence
from bench.analysis.recorded.foreign import CpuGroup
from bench.analysis.rules import machine as rules
from bench.plan.model import Thresholds
from bench.plan.placement import Placement
from tests.unit.analysis.rules.speaks import assert_speaks
from tests.unit.evidence_of import GOOD, GROUPS, evidence

LIMITS = Thresholds()
TOGETHER = "they are judged over all CPUs together"
SERVICE, OTHERS = GROUPS
# Of a run that was measured by a version which judged all CPUs together.
OLD_STEAL, OLD_STRANGERS = ({"groups": (), **told} for told in ({"steal": 0.03}, {"strangers": 0.06}))


def foreign(group: CpuGroup, share: float | None) -> dict[str, object]:
    """So much of these CPUs was lost, and nothing of the others."""
    return {"groups": tuple(replace(one, foreign=share if one is group else 0.0) for one in GROUPS)}


SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(machine={"changed": ("process 7 of the service ended",)}), evidence(), "process 7 of the service ended"),
    (replace(GOOD, machine=None, unwatched=1), replace(GOOD, machine=None), "do not cover the window (1 lies in it)"),
    (evidence(machine={"clock_jump_s": 3.2}), evidence(machine={"clock_jump_s": 0.1}), "the clock jumped by 3.20 s"),
    (evidence(machine={"suspended_s": 60.0}), evidence(), "the machine was suspended for 60.00 s"),
    (evidence(machine={"steal": 0.021}), evidence(machine={"steal": 0.02}), "the hypervisor took 2.1%"),
    (evidence(machine={"strangers": 0.06}), evidence(machine={"strangers": 0.05}), "cron (pid 7) 0.02 s"),
    (evidence(machine=OLD_STEAL), evidence(machine={"groups": ()}), "the hypervisor took 3.0% of our CPUs"),
    (evidence(machine=OLD_STRANGERS), evidence(machine={"groups": ()}), "used 6.0% of our CPUs, more than 5%: cron"),
    (evidence(machine=foreign(SERVICE, 0.055)), evidence(machine=foreign(SERVICE, 0.05)), "5.5% of CPU 1, where"),
    (evidence(machine=foreign(OTHERS, 0.11)), evidence(machine=foreign(OTHERS, 0.1)), "11.0% of CPU 0, where the load"),
    (evidence(machine={"throttled_s": 0.4}), evidence(machine={"throttled_s": None}), "throttled for 0.40 s"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)


def test_a_database_that_was_not_found_is_named_with_the_remedy_where_it_is_the_stranger() -> None:
    """In a container on this machine its processes look like others'; one that is watched is no stranger."""
    group = replace(OTHERS, foreign=0.5, named="postgres (pid 71) 4.00 s")
    unseen = {"groups": (group,), "cpu_s": {"service": 1.0, "load": 1.0}}
    said = rules.strangers(evidence(machine=unseen), LIMITS)
    assert said.endswith(rules.OF_THE_RUN)
    watched = {"groups": (group,), "cpu_s": {"service": 1.0, "load": 1.0, "database": 1.0}}
    assert rules.OF_THE_RUN not in rules.strangers(evidence(machine=watched), LIMITS)
    cron = {**unseen, "groups": (replace(group, named="cron (pid 7) 4.00 s"),)}
    assert rules.OF_THE_RUN not in rules.strangers(evidence(machine=cron), LIMITS)


def test_a_plan_that_allows_more_beside_the_service_allows_it_elsewhere() -> None:
    """And a plan may allow more elsewhere alone."""
    seen = evidence(machine=foreign(OTHERS, 0.3))
    assert rules.strangers(seen, Thresholds(strangers=0.4)) == ""
    assert rules.strangers(seen, Thresholds(strangers_elsewhere=0.4)) == ""
    assert rules.strangers(evidence(machine=foreign(SERVICE, 0.3)), Thresholds(strangers_elsewhere=0.4)) != ""


def test_each_group_that_was_disturbed_is_named() -> None:
    """In one sentence each."""
    both = evidence(machine={"groups": tuple(replace(one, foreign=0.5, stolen=0.3) for one in GROUPS)})
    assert rules.strangers(both, LIMITS).count("other processes used 50.0% of CPU ") == 2
    assert rules.stolen(both, LIMITS).count("the hypervisor took 30.0% of a CPU away (CPU ") == 2


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (GOOD, []),
        (replace(GOOD, machine=None), ["processes, CPUs, clocks and CPU limits, which this system does not show"]),
        (replace(GOOD, machine=None, unwatched=1), []),  # INVALID says so
        (replace(GOOD, machine=None, length_s=0.0), []),  # there was no window
        (evidence(machine={"throttled_s": None}), ["CPU limits: our control group cannot be read"]),
        (
            evidence(machine={"enclosed": True}),
            ["CPU limits of the control groups around this container, which cannot be seen from inside"],
        ),
        (evidence(machine={"throttled_s": None, "enclosed": True}), ["CPU limits: our control group cannot be read"]),
        (
            evidence(machine={"groups": ()}),
            ["other processes on each CPU: this run was recorded by a version that did not look at each"],
        ),
        (
            evidence(placement=Placement()),
            [f"other processes on each CPU: {TOGETHER}, because no process has a CPU of its own"],
        ),
        (evidence(machine={"strangers": None}), ["other processes, which this system does not show"]),
    ],
)
def test_what_could_not_be_seen_is_said(seen: Evidence, said: list[str]) -> None:
    """It is no reason against a cell."""
    assert list(rules.unchecked(seen)) == said
