"""Answers: a service that fails, or does not do the work, has no speed."""

import pytest

from bench.analysis import verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded.work import Fastest, Work
from tests.unit.analysis.rules.speaks import LIMITS, assert_speaks
from tests.unit.evidence_of import evidence


def made(each: float | None, least: float | None, most: float | None, requests: int = 1000) -> Evidence:
    """Requests that made so many transactions each, where verification counted from `least` to `most`."""
    work = Work(least, most)
    return evidence(requests=requests, transactions=None if each is None else each * requests, work=work)


SPOKEN: list[tuple[Evidence, Evidence, str]] = [
    (evidence(failures=2), evidence(failures=1), "2 of 1000 requests failed (0.20%, more than 0.1%)"),
    (evidence(failures=10), evidence(), "10 of 1000 requests failed (1.00%"),
    (
        made(0.237, 2.0, 2.0),
        made(1.5, 2.0, 2.0),
        "the service made 0.24 transactions a request; verification counted 2.00",
    ),
    (
        made(2.51, 2.0, 2.0),
        made(2.5, 2.0, 2.0),
        "2.51 transactions a request; verification counted 2.00 (on a database that others use, theirs count, too)",
    ),
    (made(0.74, 1.0, 2.0), made(0.76, 1.0, 2.0), "0.74 transactions a request"),
    (
        evidence(work=Work(fastest=(Fastest("session_sleep", 0.0017, 2.0),))),
        evidence(work=Work(fastest=(Fastest("session_sleep", 1.961, 2.0),))),
        "a right answer of session_sleep came after 0.0017 s, and its work takes 2 s",
    ),
    (
        evidence(work=Work(fastest=(Fastest("synchronize_note", 0.0079, 0.01),))),
        evidence(work=Work(fastest=(Fastest("synchronize_note", 0.0081, 0.01),))),  # a timer counts milliseconds
        "synchronize_note came after 0.0079 s, and its work takes 0.01 s",
    ),
    (
        evidence(work=Work(calls=979, calls_needed=1000)),
        evidence(work=Work(calls=980, calls_needed=1000)),
        "the external API answered 979 calls, and 1,000 answers needed one each (97.9%)",
    ),
]
SILENT = {
    "fewer requests than can be judged": made(0.2, 2.0, 2.0, requests=99),
    "a service that needs no database": made(0.3, 0.0, 0.0),
    "transactions that were not counted": made(0.3, None, None),
    "transactions that the database did not report": made(None, 2.0, 2.0),
    "calls that were not counted": evidence(work=Work(calls=None, calls_needed=1000)),
    "no answer that needs a call": evidence(work=Work(calls=0, calls_needed=0)),
    "more calls than answers": evidence(work=Work(calls=1100, calls_needed=1000)),
}


@pytest.mark.parametrize(("bad", "just_good", "words"), SPOKEN, ids=[words for *_, words in SPOKEN])
def test_a_rule_speaks_up_at_its_threshold(bad: Evidence, just_good: Evidence, words: str) -> None:
    """And not before."""
    assert_speaks(bad, just_good, words)


@pytest.mark.parametrize("case", SILENT)
def test_what_is_not_known_is_not_judged(case: str) -> None:
    """The measurement stays VALID."""
    assert verdict.of_measurement(SILENT[case], LIMITS).name == "VALID"
