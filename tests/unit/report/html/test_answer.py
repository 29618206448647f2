"""What a run answers, in sentences."""

import re
from dataclasses import replace

import pytest

from bench.analysis import analysis
from bench.analysis.outcome import Outcome
from bench.analysis.pairs import Conclusion, Pair
from bench.analysis.verdict import Judgement, Verdict
from bench.report.html import answer
from tests.unit.analysis.outcome_of import cell, measured, outcome
from tests.unit.report.outline import Outline


def test_the_answer_says_what_served_most_and_where_the_knee_is(outline: Outline) -> None:
    """With its interval, the next cell and how it compares."""
    answer = re.search(r"point_read: asyncpg_async-users_1000 served most, .*", outline.text)
    assert answer is not None
    assert re.search(r"\(95% interval [\d,]+ to [\d,]+\), bound by service CPU; ", answer[0])
    assert "asyncpg_async: " in answer[0]


def test_the_next_cell_is_beside_the_best() -> None:
    """How many times its throughput the best has; cells that are not ranked are left out."""
    [said] = answer.sentences(analysis.of(outcome()).rankings)
    assert said == (
        "point_read: asyncpg_async served most, 2,020 requests/s (95% interval 1,781 to 2,291), bound by service CPU; "
        "2.00 (2.00 to 2.00) times the requests/s of psycopg2_sync, the next."
    )


def test_one_round_has_no_interval_and_says_why_nothing_is_compared() -> None:
    """Of a FLOOR cell the figure is the least that it does."""
    made = Outcome()
    made.add(cell("psycopg2_sync"), measured(10_000))
    made.add(cell("asyncpg_async"), measured(20_000))
    [ranking] = analysis.of(made).rankings
    [said] = answer.sentences([ranking])
    assert said == (
        "point_read: asyncpg_async served most, 2,000 requests/s (one round: no interval), bound by service CPU; "
        "psycopg2_sync came next (an interval needs two rounds)."
    )
    floor = replace(ranking.ranked[0], verdict=Verdict(Judgement.FLOOR))
    [said] = answer.sentences([replace(ranking, ranked=(floor,))])
    assert said.startswith("point_read: asyncpg_async served most, at least 2,000 requests/s (")


def test_a_scenario_without_a_ranked_cell_has_no_answer() -> None:
    """The verdicts say why."""
    made = Outcome()
    made.add(cell("databases_async"), measured(1000, failed=500))
    [said] = answer.sentences(analysis.of(made).rankings)
    assert said == "point_read: no cell is ranked, so there is no answer; the verdicts below say why."


def test_an_open_load_is_answered_by_latency() -> None:
    """The lowest p99, and no knee."""
    [ranking] = analysis.of(outcome()).rankings
    [said] = answer.sentences([replace(ranking, paced=True)])
    assert said == (
        "point_read: asyncpg_async answered soonest, with a p99 of 99.0 ms, bound by service CPU; "
        "no difference shown from psycopg2_sync (ratio 1.00 (1.00 to 1.00))."
    )


def test_an_unknown_latency_is_no_zero() -> None:
    """Too few requests have no median."""
    made = Outcome()
    made.add(cell("asyncpg_async"), measured(10))
    [ranking] = analysis.of(made).rankings
    [said] = answer.sentences([replace(ranking, paced=True)])
    assert said.startswith("point_read: asyncpg_async: too few requests for a median")


@pytest.mark.parametrize(
    ("low", "high", "candidate", "said"),
    [
        (1.6, 2.5, "a", "2.00 (1.60 to 2.50)"),
        (1.6, 2.5, "b", "0.50 (0.40 to 0.62)"),
        (0.0005, 8000.0, "a", "2.00 (0.00 to over 1000)"),
        (0.0005, 8000.0, "b", "0.50 (0.00 to over 1000)"),
        (None, 2.5, "a", "2.00"),
        (None, None, "b", "0.50"),
    ],
)
def test_a_ratio_is_turned_so_that_the_candidate_is_above_the_line(
    low: float | None, high: float | None, candidate: str, said: str
) -> None:
    """Its interval, too, whose ends then change places."""
    pair = Pair("point_read", "all", "throughput_rps", "b", "a", 2, 2.0, low, high, Conclusion.HIGHER, "")
    assert answer.interval_of(pair, candidate) == said
    unknown = replace(pair, ratio=None, conclusion=Conclusion.NOT_COMPARABLE)
    assert answer.interval_of(unknown, candidate) == "not comparable"
