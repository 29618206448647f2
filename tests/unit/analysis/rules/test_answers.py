"""Answers: a service that fails, or does not do the work, has no speed."""

import pytest

from bench.analysis.evidence import Evidence
from tests.unit.analysis.rules.speaks import assert_speaks
from tests.unit.evidence_of import evidence

SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(failures=2), evidence(failures=1), "2 of 1000 requests failed (0.20%, more than 0.1%)"),
    (evidence(failures=10), evidence(), "10 of 1000 requests failed (1.00%"),
]


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)
