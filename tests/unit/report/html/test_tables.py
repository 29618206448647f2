"""The page's tables, as plain text."""

from dataclasses import replace
from pathlib import Path

from bench.analysis import analysis
from bench.analysis.pairing.families import Family
from bench.analysis.rulings import Finding, Ruling
from bench.report.html import tables
from bench.store import stored
from tests.unit.analysis.outcome_of import outcome


def test_what_others_waited_meanwhile_has_a_table(made_up_run: Path) -> None:
    """Where it was asked."""
    results = stored.outcome(made_up_run).ordered()
    assert tables.pings(results) is None
    asked = replace(results[0].total, ping_p50_ms=1234.56, ping_max_ms=5000.0)
    table = tables.pings([replace(results[0], operations=(asked,)), *results[1:]])
    assert table is not None
    assert table.rows == ((results[0].cell.slug, "1,234.6", "5,000"),)


def test_the_lag_of_event_loops_has_a_table(made_up_run: Path) -> None:
    """Where it was asked. A p99 of too few moments is empty."""
    results = stored.outcome(made_up_run).ordered()
    assert tables.loop_lags(results) is None
    late = replace(results[0].total, loop_lag_mean_ms=1.25, loop_lag_p99_ms=None, loop_lag_max_ms=2000.4)
    table = tables.loop_lags([replace(results[0], operations=(late,)), *results[1:]])
    assert table is not None
    assert table.rows == ((results[0].cell.slug, "1.2", "", "2,000"),)


def test_the_ranking_has_the_best_first_and_dims_what_is_not_ranked() -> None:
    """A landmark was measured once; an INVALID cell has no share of the best."""
    [found] = analysis.of(outcome()).rankings
    table = tables.ranking(found)
    assert (table.caption, table.dim, table.numbers) == ("point_read", frozenset({2, 3}), frozenset(range(2, 9)))
    assert table.rows == (
        ("asyncpg_async", "VALID", "2,020", "1,781 to 2,291", "100%", "50.0", "99.0", "0.485", "0", "service CPU"),
        ("psycopg2_sync", "VALID", "1,010", "891 to 1,145", "50%", "50.0", "99.0", "0.970", "0", "service CPU"),
        ("databases_async", "INVALID", "50", "", "", "50.0", "", "9.800", "500", "service CPU"),
        ("no_database", "VALID, once", "5,000", "", "", "50.0", "99.0", "0.196", "0", "service CPU"),
    )


def test_a_family_of_ratios_says_what_holds_together() -> None:
    """In its caption; a pair with the baseline has it below the line."""
    made = outcome()
    made.baseline = "asyncpg_async"
    [found] = analysis.of(made).rankings
    mine, everything = (tables.contrasts(found, family) for family in (Family.BASELINE, Family.ALL))
    assert mine is not None
    assert everything is not None
    held = "95% CI of all 2 ratios with asyncpg_async in this column together"
    assert mine.caption == f"Ratios to asyncpg_async ({held})"
    assert [row[:2] for row in mine.rows] == [
        ("psycopg2_sync / asyncpg_async", "0.50 (0.50 to 0.50)"),
        ("databases_async / asyncpg_async", "not comparable: databases_async INVALID"),
    ]
    assert everything.caption == "Ratios (95% CI of all 3 ratios of this column together)"
    assert len(everything.rows) == 3
    made.baseline = ""
    [without] = analysis.of(made).rankings
    assert (tables.contrasts(without, Family.BASELINE), tables.contrasts(without, Family.ALL)) == (None, everything)


def test_a_cell_has_its_share_of_each_ceiling() -> None:
    """What is not known is empty: no landmark has `def` endpoints. Without any ceiling there is no table."""
    found = analysis.of(outcome()).ceilings
    table = tables.ceilings(found)
    assert table is not None
    assert table.rows[:2] == (
        ("psycopg2_sync", "1,010", "", "", "20,200", "5%"),
        ("asyncpg_async", "2,020", "5,000", "40%", "20,200", "10%"),
    )
    assert tables.ceilings([replace(found[0], no_database_rps=None, pgbench_rps=None)]) is None


def test_costs_are_those_that_are_known() -> None:
    """A row an operation; one of which nothing is known is left out."""
    results = analysis.of(outcome()).results
    assert tables.costs(results) is None
    total, read = results[0].operations
    counted = (replace(total, statements_per_request=1.5, round_trips_per_request=2.0), read)
    table = tables.costs([replace(results[0], operations=counted)])
    assert table is not None
    assert table.columns == ("cell", "operation", "round trips", "statements", "transactions")
    assert table.rows == (("psycopg2_sync", "all", "2.00", "1.50", ""),)


def test_a_claims_interval_is_beside_its_figure() -> None:
    """Where there is one; what was not measured has neither."""
    one = Ruling("one", "a", "b", "throughput_rps", "at least 1", 1234.5, 1000.0, 1500.0, Finding.CONFIRMED, "x")
    bare = replace(one, ci_low=None, ci_high=None, ruling=Finding.UNDECIDED)
    table = tables.claims([one, bare, replace(bare, measured=None, ruling=Finding.NOT_TESTED)])
    assert [row[4] for row in table.rows] == ["1,234 (1,000 to 1,500)", "1,234", ""]
    assert [row[5] for row in table.rows] == ["confirmed", "undecided", "not tested"]


def test_settings_are_one_a_row() -> None:
    """By the way to each."""
    table = tables.settings("Machine", {"machine": {"cpu": "x", "cpus": 2}, "at": None})
    assert table.rows == (("machine.cpu", "x"), ("machine.cpus", "2"), ("at", "None"))
