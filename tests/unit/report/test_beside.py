"""Two cells beside each other, in sentences."""

from dataclasses import replace

from bench.analysis import analysis
from bench.analysis.analysis import Ranking
from bench.report import answer, beside
from tests.unit.analysis.outcome_of import outcome


def ranking() -> Ranking:
    [found] = analysis.of(outcome()).rankings
    return found


def test_every_metric_has_both_figures_and_their_ratio() -> None:
    """In one direction; what has no interval has its two figures, and what neither knows has no line."""
    found = ranking()
    [contrast] = answer.of(found).contrasts
    lines = {one.title: one for one in beside.of(found, contrast)}
    assert lines["requests/s"].sentence.startswith("requests/s: 2,020 and 1,010, 2.00 (2.00 to 2.00) times.")
    assert lines["p50"].sentence == "p50: 50 ms and 50 ms, 1.00 (1.00 to 1.00) times: no difference shown."
    assert lines["failures"].sentence == "failures: 0 and 0."
    assert lines["failures"].pair is None
    assert "round trips" not in lines  # verification has counted nothing here
    assert list(lines)[:3] == ["requests/s", "p50", "p99"]


def test_what_is_counted_is_of_a_request_and_may_be_known_of_one_only() -> None:
    """A target's round trips are not counted."""
    found = ranking()
    [contrast] = answer.of(found).contrasts
    results = [
        replace(one, operations=(replace(one.total, round_trips_per_request=trips), *one.operations[1:]))
        for one, trips in zip(found.results[:2], (3.0, None), strict=True)
    ]
    lines = {one.title: one for one in beside.of(replace(found, results=tuple(results)), contrast)}
    assert lines["round trips"].sentence == "round trips per request: unknown and 3."
