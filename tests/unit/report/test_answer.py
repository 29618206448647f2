"""What a run answers, in sentences."""

from dataclasses import replace

import pytest

from bench.analysis import analysis
from bench.analysis.outcome import Outcome
from bench.analysis.pairs import Conclusion, Pair
from bench.analysis.verdict import Judgement, Verdict
from bench.report import answer
from tests.unit.analysis.outcome_of import cell, measured, outcome


def test_every_pair_with_the_best_has_a_sentence() -> None:
    """How many times as much the best serves, and what it costs."""
    [ranking] = analysis.of(outcome()).rankings
    found = answer.of(ranking)
    assert found.leader == (
        "asyncpg_async served most, 2,020 requests/s (95% interval 1,781 to 2,291), bound by service CPU."
    )
    assert found.sentences == (
        (
            "asyncpg_async serves 2.00 (2.00 to 2.00) times as many requests/s as psycopg2_sync; "
            "it takes 0.50 (0.50 to 0.50) times the CPU time per request."
        ),
    )


def test_each_service_is_beside_the_baseline() -> None:
    """In one direction, whichever of the two is better."""
    made = outcome()
    made.baseline = "asyncpg_async"
    [ranking] = analysis.of(made).rankings
    assert [one[: one.index(";")] for one in answer.of(ranking).sentences] == [
        "psycopg2_sync serves 0.50 (0.50 to 0.50) times as many requests/s as asyncpg_async"
    ]


def test_one_round_has_no_interval_and_says_why_nothing_is_compared() -> None:
    """Of a FLOOR cell the figure is the least that it does."""
    made = Outcome()
    made.add(cell("psycopg2_sync"), measured(10_000))
    made.add(cell("asyncpg_async"), measured(20_000))
    [ranking] = analysis.of(made).rankings
    found = answer.of(ranking)
    assert found.leader == "asyncpg_async served most, 2,000 requests/s (one round: no interval), bound by service CPU."
    assert found.sentences == ("asyncpg_async and psycopg2_sync cannot be compared: an interval needs two rounds.",)
    floor = replace(ranking.ranked[0], verdict=Verdict(Judgement.FLOOR))
    assert answer.of(replace(ranking, ranked=(floor,))).leader.startswith("asyncpg_async served most, at least 2,000 ")


def test_cells_that_are_not_ranked_are_named_with_their_reason() -> None:
    """Those with the same reasons together. Without a ranked cell there is no answer."""
    made = Outcome()
    for name in ("databases_async", "asyncpg_async"):
        made.add(cell(name), measured(1000, failed=500))
    [ranking] = analysis.of(made).rankings
    found = answer.of(ranking)
    [said] = map(str, found.unranked)
    assert said.startswith("databases_async, asyncpg_async are INVALID and not ranked: round 1: 500 of 1000 requests ")
    assert found.leader == "No cell is ranked, so there is no answer."
    assert found.sentences == ()
    told = [note for note in ranking.notes if found.has_said(note)]
    assert [note.about for note in told] == ["databases_async", "asyncpg_async"]


def test_an_open_load_is_answered_by_latency() -> None:
    """The lowest p99, and no knee."""
    [ranking] = analysis.of(outcome()).rankings
    found = answer.of(replace(ranking, paced=True))
    assert found.leader == "asyncpg_async answered soonest, with a p99 of 99.0 ms, bound by service CPU."
    assert found.sentences[0].startswith(
        "asyncpg_async and psycopg2_sync: no difference in p99 was shown, the ratio is 1.00 (1.00 to 1.00); "
    )


def test_an_unknown_latency_is_no_zero() -> None:
    """Too few requests have no median."""
    made = Outcome()
    made.add(cell("asyncpg_async"), measured(10))
    [ranking] = analysis.of(made).rankings
    assert answer.of(replace(ranking, paced=True)).leader.startswith("asyncpg_async: too few requests for a median")


@pytest.mark.parametrize(
    ("low", "high", "candidate", "said"),
    [
        (1.6, 2.5, "a", "2.00 (1.60 to 2.50)"),
        (1.6, 2.5, "b", "0.50 (0.40 to 0.62)"),
        (0.0005, 8000.0, "a", "2.00, from too few rounds for an interval"),
        (0.0005, 8000.0, "b", "0.50, from too few rounds for an interval"),
        (None, 2.5, "a", "2.00"),
        (None, None, "b", "0.50"),
    ],
)
def test_a_ratio_is_turned_so_that_the_candidate_is_above_the_line(
    low: float | None, high: float | None, candidate: str, said: str
) -> None:
    """Its interval, too, whose ends then change places."""
    pair = Pair("point_read", "all", "throughput_rps", "b", "a", 2, 2.0, low, high, Conclusion.HIGHER, "")
    assert answer.interval_of(answer.turned(pair, candidate)) == said
    unknown = replace(pair, ratio=None, conclusion=Conclusion.NOT_COMPARABLE)
    assert answer.interval_of(answer.turned(unknown, candidate)) == "not comparable"


def test_what_fastapi_takes_is_said_where_it_was_measured_for_both_kinds_of_endpoint() -> None:
    """Each service has the landmark of its own mode; what is left is its library's."""
    made = outcome()
    made.add(cell("no_database_sync", once=True), measured(25_000))
    found = analysis.of(made)
    [ranking] = found.rankings
    cpu_ms = {one.cell.slug: one.total.service_cpu_ms_per_request or 0.0 for one in ranking.results}
    async_ms, sync_ms = cpu_ms["no_database"], cpu_ms["no_database_sync"]
    assert answer.of(ranking).sentences[-1] == (
        f"Of the CPU time per request, FastAPI without a database takes {async_ms:.3f} ms with async endpoints and"
        f" {sync_ms:.3f} ms with def endpoints, which run on threads (one round: no interval). The rest is"
        f" asyncpg_async {cpu_ms['asyncpg_async'] - async_ms:.3f} ms, psycopg2_sync"
        f" {cpu_ms['psycopg2_sync'] - sync_ms:.3f} ms."
    )
    shares = {one.service: one.no_database_rps for one in found.ceilings}
    rps = {one.cell.slug: one.rps for one in ranking.results}
    assert shares["asyncpg_async"] == rps["no_database"]
    assert shares["psycopg2_sync"] == rps["no_database_sync"]


def test_one_landmark_is_no_comparison_of_endpoints() -> None:
    [ranking] = analysis.of(outcome()).rankings
    assert not answer.of(ranking).framework
