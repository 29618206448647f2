"""What a run's measurements amount to, as one value."""

from dataclasses import FrozenInstanceError, replace

import polars as pl
import pytest

from bench.analysis import analysis
from bench.analysis.analysis import Ceiling
from bench.analysis.outcome import Outcome
from bench.analysis.pairing.families import Family
from bench.plan.matrix import Cell, default_setup
from bench.plan.model import Thresholds
from suite.arrival import Arrival
from tests.unit.analysis.outcome_of import cell, measured, outcome


def test_each_scenario_has_its_ranking() -> None:
    """The best first; a landmark and an INVALID cell are beside it, in the plan's order."""
    [found] = analysis.of(outcome()).rankings
    assert (found.scenario, found.paced) == ("point_read", False)
    assert [one.cell.slug for one in found.ranked] == ["asyncpg_async", "psycopg2_sync"]
    assert [one.cell.slug for one in found.others] == ["databases_async", "no_database"]
    assert {one.operation for one in found.pairs} == {"all", "read_user"}
    assert {one.operation for one in found.contrasts(Family.ALL)} == {"all"}
    assert (found.shown, found.contrasts(Family.BASELINE)) == (Family.ALL, ())


def test_the_pairs_with_the_baseline_are_shown_first() -> None:
    """Where a ratio with it is known; the A/A arm is beside every family."""
    made = outcome()
    twin = Cell("psycopg2_sync-aa", "point_read", replace(default_setup("psycopg2_sync"), arm="aa"), 2, (), once=False)
    for _ in range(2):
        made.add(twin, measured(10_000))
    made.baseline = "asyncpg_async"
    [found] = analysis.of(made).rankings
    assert (found.shown, found.baseline) == (Family.BASELINE, "asyncpg_async")
    slugs = {(one.baseline, one.candidate) for one in found.contrasts(Family.BASELINE)}
    assert slugs == {
        ("asyncpg_async", "psycopg2_sync"),
        ("asyncpg_async", "databases_async"),
        ("psycopg2_sync", "psycopg2_sync-aa"),
    }
    assert len({(one.baseline, one.candidate) for one in found.contrasts(Family.ALL)}) == 4
    made.baseline = "databases_async"  # INVALID
    assert [one.shown for one in analysis.of(made).rankings] == [Family.ALL]


def open_load(*cells: tuple[str, int, int, float]) -> list[str]:
    """The ranking of an open load, by service: requests and failures of each, and how many times as slow."""
    made = Outcome(Thresholds(expect_failures=True))
    for service, count, failed, slower in cells:
        one = measured(count, failed=failed)
        frame = one.samples.with_columns((pl.col("latency_ns") * slower).cast(pl.Int64))
        seen = replace(one.evidence, arrival=Arrival.OPEN, offered_rps=count / 10)
        made.add(cell(service), replace(one, samples=frame, evidence=seen))
    [found] = analysis.of(made).rankings
    assert len(found.ranked) == len(cells)
    return [one.cell.slug for one in found.ranked]


def test_an_open_load_is_ranked_by_one_and_the_same_percentile() -> None:
    """A cell with too few samples for a p99 (99 ms of the other) is not before it because its p50 (75 ms) is lower."""
    assert open_load(("psycopg2_sync", 1_000, 0, 1.5), ("asyncpg_async", 20_000, 0, 1.0)) == [
        "asyncpg_async", "psycopg2_sync",
    ]  # fmt: skip


def test_a_cell_that_fails_requests_is_ranked_after_those_that_answer() -> None:
    """However soon the others of its requests were answered."""
    assert open_load(("psycopg2_sync", 20_000, 4_000, 0.1), ("asyncpg_async", 20_000, 0, 1.0)) == [
        "asyncpg_async", "psycopg2_sync",
    ]  # fmt: skip


def test_a_cell_stands_beside_its_ceilings() -> None:
    """Those of the same load without a database, and of pgbench; a landmark has none of the first kind."""
    by_slug = {one.service: one for one in analysis.of(outcome()).ceilings}
    assert by_slug["asyncpg_async"] == Ceiling(
        "point_read", "asyncpg_async", 2020.0, 5000.0, 2020 / 5000, 2, 20_200.0, 2020 / 20_200
    )
    assert by_slug["no_database"].no_database_rps is None


def test_a_ceiling_is_of_the_same_number_of_users() -> None:
    """One of other users, an INVALID one and one with a database are none."""
    made = Outcome()
    few, many = (replace(cell("asyncpg_async"), slug=f"asyncpg_async-users_{users}", users=users) for users in (2, 50))
    bare = replace(cell("no_database", once=True), users=50)
    made.add(few, measured(10_000))
    made.add(many, measured(20_000, users=50))
    made.add(cell("psycopg2_sync", once=True), measured(90_000))
    made.add(bare, measured(50_000, users=50))
    found = {one.service: one for one in analysis.of(made).ceilings}
    assert (found[few.slug].no_database_rps, found[few.slug].of_no_database) == (None, None)
    assert (found[many.slug].no_database_rps, found[many.slug].of_no_database) == (5000.0, 0.4)
    spoiled = Outcome()
    spoiled.add(many, measured(20_000, users=50))
    spoiled.add(bare, measured(50_000, failed=5000, users=50))
    assert analysis.of(spoiled).ceilings[0].no_database_rps is None


def test_an_invalid_cell_has_no_share() -> None:
    """What it was measured at is no figure to publish a share of."""
    [invalid] = [one for one in analysis.of(outcome()).ceilings if one.service == "databases_async"]
    assert (invalid.no_database_rps, invalid.of_no_database, invalid.of_pgbench) == (5000.0, None, None)


def test_what_is_measured_later_does_not_change_it() -> None:
    """Each analysis is of one moment: the next measurement makes another one."""
    made = Outcome(cells=[cell("asyncpg_async")])
    made.add(cell("asyncpg_async"), measured(10_000))
    before = analysis.of(made)
    made.add(cell("asyncpg_async"), measured(10_200))
    made.unreadable.append("a file")
    assert (len(before.measured[cell("asyncpg_async")]), before.results[0].rounds, before.unreadable) == (1, 1, ())
    assert analysis.of(made).results[0].rounds == 2
    with pytest.raises(FrozenInstanceError):
        before.rulings = ()  # type: ignore[misc]  # that it cannot be set is what is tested


def test_nothing_measured_says_nothing() -> None:
    """No scenario, no pair, no ruling."""
    found = analysis.of(Outcome(cells=[cell("asyncpg_async")]))
    assert (found.results, found.rankings, found.pairs, found.ceilings, found.rulings) == ((), (), (), (), ())
