"""The ratios of a scenario in a terminal: with the baseline first."""

from rich.console import Group

from bench.analysis import analysis
from bench.analysis.analysis import Ranking
from bench.analysis.outcome import Outcome
from bench.report.terminal import ratios
from tests.unit.analysis.outcome_of import cell, measured
from tests.unit.report.terminal.lines_of import lines

FIRST = """\

 ratio (95% CI of all 2 ratios
 with asyncpg_async
 in this column together)          requests/s            p99                   CPU per request
 ─────────────────────────────────────────────────────────────────────────────────────────────────
 psycopg2_sync / asyncpg_async     0.50 (0.50 .. 0.50)   1.00 (1.00 .. 1.00)   2.00 (2.00 .. 2.00)
                                                         no difference shown
 databases_async / asyncpg_async   0.75 (0.75 .. 0.75)   1.00 (1.00 .. 1.00)   1.33 (1.33 .. 1.33)
                                                         no difference shown

"""
LEFT = "all 3 pairs are in comparison.csv, and printed with --all-pairs\n"
ALL = """\

 ratio (95% CI of all 3 ratios
 of this column together)          requests/s            p99                   CPU per request
 ─────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async / psycopg2_sync     2.00 (2.00 .. 2.00)   1.00 (1.00 .. 1.00)   0.50 (0.50 .. 0.50)
                                                         no difference shown
 databases_async / psycopg2_sync   1.50 (1.50 .. 1.50)   1.00 (1.00 .. 1.00)   0.67 (0.67 .. 0.67)
                                                         no difference shown
 databases_async / asyncpg_async   0.75 (0.75 .. 0.75)   1.00 (1.00 .. 1.00)   1.33 (1.33 .. 1.33)
                                                         no difference shown

"""


def found(baseline: str, *, failed: str = "", rounds: int = 2, services: int = 3) -> Ranking:
    """The cells of `failed` are INVALID."""
    made = Outcome(baseline=baseline)
    counts = {"psycopg2_sync": 10_000, "asyncpg_async": 20_000, "databases_async": 15_000}
    for service, count in list(counts.items())[:services]:
        for _ in range(rounds):
            made.add(cell(service), measured(count, failed=count // 2 if service == failed else 0))
    [ranking] = analysis.of(made).rankings
    return ranking


def text(found: Ranking, *, all_pairs: bool = False) -> str:
    return "".join(f"{line}\n" for line in lines(Group(*ratios.parts(found, all_pairs=all_pairs))))


def test_the_ratios_to_the_baseline_are_shown_first() -> None:
    """The heading says what holds together; all others are there if they are asked for."""
    assert text(found("asyncpg_async")) == FIRST + LEFT
    assert text(found("asyncpg_async"), all_pairs=True) == FIRST + ALL
    assert text(found("")) == text(found(""), all_pairs=True) == ALL


def test_two_services_have_one_table() -> None:
    """The one pair is in both families."""
    both = text(found("asyncpg_async", services=2), all_pairs=True)
    assert both.count("requests/s") == 1
    assert "ratio (95% CI) " in both
    assert "psycopg2_sync / asyncpg_async   0.50" in both


def test_a_baseline_that_cannot_be_compared_leaves_the_other_pairs() -> None:
    """A line says so; where nothing can be compared, the reason is all there is."""
    said = text(found("asyncpg_async", failed="asyncpg_async"))
    assert "95% CI of all 3 ratios\n of this column together" in said
    assert "databases_async / psycopg2_sync   1.50" in said
    assert said.endswith("no ratio with asyncpg_async is known, so these are all pairs\n")
    assert text(found("asyncpg_async", rounds=1)) == "no comparison: an interval needs two rounds\n"
    assert text(found("asyncpg_async", services=1)) == ""


def test_a_report_has_the_family_of_all_pairs_under_its_scenario() -> None:
    """Nothing where there is no pair."""
    assert "\n".join(lines(Group(*ratios.every(found("asyncpg_async"))))) + "\n" == f"point_read\n{ALL}"
    assert ratios.every(found("", services=1)) == []
