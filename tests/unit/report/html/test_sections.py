"""What is below the answer of a run's page."""

from dataclasses import replace

from bench.analysis import analysis
from bench.analysis.analysis import Ceiling
from bench.report.html import sections
from tests.unit.analysis.outcome_of import measured, outcome


def test_a_curve_is_of_the_successes_of_all_windows() -> None:
    """Latencies are 1 to 100 ms, over and over; 200 failed ones would have been the fastest."""
    found = sections.curve([measured(1000, failed=200), measured(1000)])
    assert found is not None
    beyond, latency_ms = found
    assert (round(beyond[-1], 9), latency_ms[0], latency_ms[-1]) == (18.0, 1.0, 95.0)
    assert sections.curve([]) is None
    assert sections.curve([measured(100)]) is None


def test_a_ceiling_is_drawn_through_all_cells_only_where_all_have_it() -> None:
    """Of other users or connections it would be a line through cells that it says nothing of."""
    one = Ceiling("point_read", "a", 100.0, 500.0, 0.2, 10, 900.0, 1 / 9)
    both = {"without a database": 500.0, "pgbench, 10 connections": 900.0}
    assert sections._ceiling_lines([one, replace(one, service="b")]) == both
    assert sections._ceiling_lines([one, replace(one, no_database_rps=600.0, pgbench_connections=5)]) == {}
    assert sections._ceiling_lines([one, replace(one, no_database_rps=None, pgbench_rps=None)]) == {}
    assert sections._ceiling_lines([]) == {}


def test_the_ratios_to_the_baseline_are_below_the_ranking_and_all_pairs_folded() -> None:
    """Without a baseline, or where no ratio with it is known, all are open."""
    made = outcome()
    for baseline, first, folded in (
        ("asyncpg_async", "Ratios to asyncpg_async", ["Ratios"]), ("databases_async", "Ratios", []), ("", "Ratios", []),
    ):  # fmt: skip
        made.baseline = baseline
        section = sections._ranking(analysis.of(made))
        assert [one.caption.partition(" (")[0] for one in section.tables] == ["point_read", first]
        assert [one.caption.partition(" (")[0] for one in section.folded] == folded
