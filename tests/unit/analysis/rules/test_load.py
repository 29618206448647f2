"""Load: users that were missing, and what became of its processes."""

import pytest

from bench.analysis import verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.load_workers import LoadWorker
from tests.unit.analysis.rules.speaks import LIMITS, assert_speaks
from tests.unit.evidence_of import evidence

SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(users=1), evidence(users=2), "1 of 2 users were running"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)


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
