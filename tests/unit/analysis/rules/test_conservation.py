"""Conservation: what is missing in the account, and a state that was not steady."""

from typing import Any

import pytest

from bench.analysis import verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.ledger import Drift
from tests.unit.analysis.rules.speaks import LIMITS, assert_speaks
from tests.unit.evidence_of import evidence

SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(requests=0), evidence(requests=1), "no request ended in the window"),
    (evidence(accounted=0.94), evidence(accounted=0.951), "account for 94.0% of the users' time"),
    (evidence(accounted=1.06), evidence(accounted=1.049), "account for 106.0%"),
    (evidence(drift=Drift(-0.2, 0.001)), evidence(drift=Drift(-0.2, 0.02)), "drifted by -20.0%"),
    (evidence(drift=Drift(0.11, 0.001)), evidence(drift=Drift(0.1, 0.001)), "drifted by +11.0%"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)


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
