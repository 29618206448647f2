"""Conservation: what is missing in the account, and a state that was not steady."""

from typing import Any

import pytest

from bench.analysis import verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.ledger import Drift
from bench.analysis.rules import conservation
from tests.unit.analysis.rules.speaks import LIMITS, assert_speaks
from tests.unit.evidence_of import evidence

SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(requests=0), evidence(requests=1), "no request ended in the window"),
    (evidence(begun=1301), evidence(begun=None), "1,301 requests were begun and 1,300 were recorded"),
    (evidence(little=0.94), evidence(little=0.951), "mean latency x throughput is 94.0% of the requests"),
    (evidence(little=1.06), evidence(little=1.049), "is 106.0% of the requests"),
    (evidence(starved=1), evidence(starved=0), "1 of 2 users had no answer in the whole window"),
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
    """2% off is an overload, unless arrivals come by chance (4 sigma more). It is INVALID if the load had no time."""
    assert conservation.overload(open_load(requests=980, missed=20), LIMITS) == ""
    behind = open_load(requests=970, missed=30, backlog_end=30)
    assert conservation.overload(behind, LIMITS) == (
        "the rate was not served: 97 of 100 requests/s; the backlog grew from 0 to 30"
    )
    assert verdict.of_measurement(behind, LIMITS).name == "VALID"
    busy = open_load(requests=970, missed=30, backlog_end=30, machine={"cpu_busy": {0: 0.97, 1: 0.3}})
    assert tuple(map(str, verdict.of_measurement(busy, LIMITS).reasons)) == (
        "970 requests were answered of the 1,000 due (97.0%; 30 found no free user), and the load had no time left",
    )
    assert conservation.overload(open_load(requests=970, by_chance=True), LIMITS) == ""
    full = {"cpu_busy": {0: 0.4, 1: 0.99}, "cpu_s": {"service": 9.9}}
    assert verdict.of_measurement(open_load(requests=500, backlog_end=500, machine=full), LIMITS).name == "VALID"


def test_arrivals_must_be_completions_and_growth_of_the_backlog() -> None:
    """5% may be missing, or 4 sigma of arrivals by chance."""
    assert conservation.off_rate(open_load(completed=700, backlog_start=10, backlog_end=260), LIMITS) == ""
    assert conservation.off_rate(open_load(completed=700, backlog_start=10, backlog_end=250), LIMITS) == (
        "1,000 arrivals were due, 700 were completed, and the backlog grew by 240"
    )
    assert conservation.off_rate(open_load(completed=860, by_chance=True), LIMITS) == ""
    assert conservation.off_rate(evidence(), LIMITS) == ""
