"""Machine: what else used it, and what happened to the service's processes."""

from dataclasses import replace

import pytest

from bench.analysis.evidence import Evidence
from tests.unit.analysis.rules.speaks import assert_speaks
from tests.unit.evidence_of import GOOD, evidence

SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(machine={"changed": ("process 7 of the service ended",)}), evidence(), "process 7 of the service ended"),
    (replace(GOOD, machine=None, unwatched=1), replace(GOOD, machine=None), "do not cover the window (1 lies in it)"),
    (evidence(machine={"clock_jump_s": 3.2}), evidence(machine={"clock_jump_s": 0.1}), "the clock jumped by 3.20 s"),
    (evidence(machine={"suspended_s": 60.0}), evidence(), "the machine was suspended for 60.00 s"),
    (evidence(machine={"steal": 0.021}), evidence(machine={"steal": 0.02}), "the hypervisor took 2.1%"),
    (evidence(machine={"strangers": 0.06}), evidence(machine={"strangers": 0.05}), "cron (pid 7) 0.02 s"),
    (evidence(machine={"throttled_s": 0.4}), evidence(), "throttled for 0.40 s"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)
