"""What every rule is held to."""

from bench.analysis import verdict
from bench.analysis.evidence import Evidence
from bench.plan.model import Thresholds

LIMITS = Thresholds()


def assert_speaks(bad: Evidence, just_good: Evidence, words: str) -> None:
    """The first is INVALID for one reason, which holds the figure; the second is VALID."""
    found = verdict.of_measurement(bad, LIMITS)
    assert found.name == "INVALID"
    [reason] = found.reasons
    assert words in reason.text
    good = verdict.of_measurement(just_good, LIMITS)
    assert (good.name, good.reasons) == (verdict.Judgement.VALID, ())
