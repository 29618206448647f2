"""Pairs of cells: ratios within rounds, simultaneous intervals, and what may not be concluded."""

import math
import statistics
from collections.abc import Sequence

import pytest

from bench.analysis import pairs
from bench.analysis.bound import UNKNOWN
from bench.analysis.intervals import mean_interval, values_needed
from bench.analysis.outcome import CellResult
from bench.analysis.pairing.families import Family
from bench.analysis.summary import OperationSummary
from bench.analysis.verdict import Judgement, Verdict
from bench.plan.matrix import AA, Cell, Setup, default_setup


def result(service: str, rates: Sequence[float | None], *, verdict: str = "VALID", arm: str = "") -> CellResult:
    """A cell with these throughputs; p99 and CPU time go down as throughput goes up."""
    setup = Setup(**{**vars(default_setup(service)), "arm": arm})
    cell = Cell(f"{service}-{arm}" if arm else service, "point_read", setup, 10, (), once=False)
    rounds = tuple(
        {
            "throughput_rps": rate,
            "latency_p50_ms": 5000 / rate if rate else None,
            "latency_p99_ms": 10_000 / rate if rate else None,
            "service_cpu_ms_per_request": 1000 / rate if rate else None,
        }
        for rate in rates
    )
    nothing = dict.fromkeys(("mean", "p50", "p90", "p95", "p99", "p999", "max"))
    total = OperationSummary(
        "all", 10, 0, 0.0, None, rounds, **{f"latency_{name}_ms": value for name, value in nothing.items()}
    )
    return CellResult(cell, len(rates), (total,), Verdict(Judgement(verdict)), UNKNOWN, ())


def found(results: Sequence[CellResult], metric: str = "throughput_rps") -> dict[tuple[str, str], pairs.Pair]:
    return {(one.candidate, one.baseline): one for one in pairs.compare(results) if one.metric == metric}


SLOW = result("psycopg2_sync", [100, 101, 99, 100, 102])
FAST = result("asyncpg_async", [176, 175, 178, 174, 181])
SAME = result("databases_async", [102, 98, 101, 99, 101])


def test_ratios_are_geometric_means_of_rounds() -> None:
    """Candidate over baseline, round by round, in the plan's order of cells."""
    pair = found([SLOW, FAST])["asyncpg_async", "psycopg2_sync"]
    ratios = [176 / 100, 175 / 101, 178 / 99, 174 / 100, 181 / 102]
    assert pair.ratio == pytest.approx(math.prod(ratios) ** 0.2)
    assert (pair.ci_low, pair.ci_high) == pytest.approx(mean_interval(ratios))
    assert (pair.rounds, pair.conclusion, pair.why) == (5, "higher", "")
    assert found([SLOW, FAST], "latency_p99_ms")["asyncpg_async", "psycopg2_sync"].conclusion == "lower"


def test_intervals_are_simultaneous() -> None:
    """Three pairs of one scenario and metric: each interval has 1 - 0.05 / 3 of its own (Bonferroni)."""
    of_three = found([SLOW, FAST, SAME])
    assert len(of_three) == 3
    pair = of_three["databases_async", "psycopg2_sync"]
    ratios = [102 / 100, 98 / 101, 101 / 99, 99 / 100, 101 / 102]
    assert (pair.ci_low, pair.ci_high) == pytest.approx(mean_interval(ratios, 1 - 0.05 / 3))
    assert pair.conclusion == "no difference shown"
    assert pair.ratio == pytest.approx(1, abs=0.01)


def test_pairs_with_the_baseline_are_a_family_with_narrower_intervals() -> None:
    """Two ratios share the 5%, not three; the family of all pairs is as it is without a baseline."""
    results = [SLOW, FAST, SAME]
    everything = pairs.compare(results, baseline="databases_async")
    assert tuple(one for one in everything if one.family is Family.ALL) == pairs.compare(results)
    mine = [one for one in everything if one.family is Family.BASELINE and one.metric == "throughput_rps"]
    assert [(one.candidate, one.baseline) for one in mine] == [
        ("psycopg2_sync", "databases_async"),
        ("asyncpg_async", "databases_async"),
    ]
    ratios = [100 / 102, 101 / 98, 99 / 101, 100 / 99, 102 / 101]
    assert (mine[0].ci_low, mine[0].ci_high) == pytest.approx(mean_interval(ratios, 1 - 0.05 / 2))
    assert pairs.sharing(mine) == 2


def test_invalid_cells_are_not_compared() -> None:
    """No ratio that somebody could quote."""
    pair = found([SLOW, result("asyncpg_async", [176, 175], verdict="INVALID")])["asyncpg_async", "psycopg2_sync"]
    assert (pair.ratio, pair.ci_low, pair.ci_high) == (None, None, None)
    assert (pair.conclusion, pair.why) == ("not comparable", "asyncpg_async INVALID")


def test_one_round_shows_nothing() -> None:
    """A ratio without an interval is not one to conclude from."""
    pair = found([result("psycopg2_sync", [100]), result("asyncpg_async", [170])])["asyncpg_async", "psycopg2_sync"]
    assert (pair.conclusion, pair.why, pair.ratio) == ("not comparable", "an interval needs two rounds", None)


@pytest.mark.parametrize(
    ("baseline", "candidate", "throughput", "p99", "cpu"),
    [
        (SLOW, result("asyncpg_async", [176, 175, 178], verdict="FLOOR"), "higher", "lower", "lower"),
        (
            FAST,
            result("databases_async", [102, 98, 101], verdict="FLOOR"),
            "not comparable",
            "not comparable",
            "higher",
        ),
        (result("psycopg2_sync", [176, 175, 178], verdict="FLOOR"), SAME, "lower", "higher", "higher"),
        (result("psycopg2_sync", [50, 51, 50], verdict="FLOOR"), SAME, "not comparable", "not comparable", "lower"),
    ],
    ids=["a floor above", "a floor below", "below a floor", "above a floor"],
)
def test_a_lower_bound_shows_only_what_it_bounds(
    baseline: CellResult, candidate: CellResult, throughput: str, p99: str, cpu: str
) -> None:
    """A candidate that reached more in spite of the load is faster; nothing else follows. CPU time is not bounded."""
    key = (candidate.cell.slug, baseline.cell.slug)
    names = ("throughput_rps", "latency_p99_ms", "service_cpu_ms_per_request")
    assert [found([baseline, candidate], name)[key].conclusion for name in names] == [throughput, p99, cpu]


def test_the_aa_arm_is_compared_with_its_twin_alone() -> None:
    """It adds no pair to those among which the 5% are shared."""
    twin = result("psycopg2_sync", [101, 100, 100, 101, 101], arm=AA)
    with_twin, without = found([SLOW, FAST, twin]), found([SLOW, FAST])
    assert set(with_twin) == {("asyncpg_async", "psycopg2_sync"), ("psycopg2_sync-aa", "psycopg2_sync")}
    assert with_twin["asyncpg_async", "psycopg2_sync"] == without["asyncpg_async", "psycopg2_sync"]
    assert with_twin["psycopg2_sync-aa", "psycopg2_sync"].why.startswith("A/A")
    assert with_twin["psycopg2_sync-aa", "psycopg2_sync"].family == "A/A"
    assert found([twin]) == {}  # measured before its twin in the first round


def test_rounds_needed_follow_from_the_spread_of_the_first_stage() -> None:
    """The smallest n with t(n0 - 1) s0 / sqrt(n) <= ln(1 + precision); never fewer than n0."""
    logarithms = [
        math.log(new / old) for new, old in zip((176, 175, 178, 174, 181), (100, 101, 99, 100, 102), strict=True)
    ]
    width = 2.776445 * statistics.stdev(logarithms)
    expected = math.ceil((width / math.log(1.005)) ** 2)
    assert expected > 5
    assert pairs.rounds_needed([SLOW, FAST], 0.005, 5) == expected
    assert pairs.rounds_needed([SLOW, FAST], 0.5, 5) == 5
    assert pairs.rounds_needed([SLOW], 0.02, 5) is None
    assert pairs.rounds_needed([SLOW, result("asyncpg_async", [9, 8], verdict="INVALID")], 0.02, 2) is None


def test_rounds_needed_are_those_of_the_widest_pair() -> None:
    """Each pair has its share of the 5%, whether or not another one can be compared."""
    wild = result("sqlalchemy_async", [100, 120, 90, 110, 95])
    each = [pairs.rounds_needed([SLOW, one], 0.02, 5) or 0 for one in (SAME, wild)]
    assert each[0] < each[1] < (pairs.rounds_needed([SLOW, SAME, wild], 0.02, 5) or 0)
    refused = result("asyncpg_async", [100] * 5, verdict="INVALID")
    with_refused = pairs.rounds_needed([SLOW, SAME, refused], 0.005, 5) or 0
    assert with_refused > (pairs.rounds_needed([SLOW, SAME], 0.005, 5) or 0)


def test_rounds_needed_are_those_of_the_family_that_is_shown() -> None:
    """Its pairs and its share of the 5%; of all pairs, where the baseline cannot be compared."""
    wild = result("sqlalchemy_async", [100, 120, 90, 110, 95])
    everything = pairs.rounds_needed([SLOW, SAME, wild], 0.02, 5) or 0
    assert (pairs.rounds_needed([SLOW, SAME, wild], 0.02, 5, "psycopg2_sync") or 0) < everything
    two = [math.log(one / 100) for one in (102 / 1.0, 98 / 1.01, 101 / 0.99, 99 / 1.0, 101 / 1.02)]
    steady = result("asyncpg_async", [one * 2 for one in (100, 101, 99, 100, 102)])
    assert pairs.rounds_needed([SLOW, SAME, steady], 0.005, 5, "psycopg2_sync") == values_needed(
        two, 1 - 0.05 / 2, math.log(1.005)
    )
    refused = result("asyncpg_async", [100] * 5, verdict="INVALID")
    assert pairs.rounds_needed([SLOW, SAME, refused], 0.005, 5, "asyncpg_async") == pairs.rounds_needed(
        [SLOW, SAME, refused], 0.005, 5
    )


def test_later_rounds_change_nothing_of_what_the_first_stage_decided() -> None:
    """A resumed run decides the same number; a round that lacks a value is left out of the spread."""
    rates = [100, None, 104, 98, 103, 50, 200]
    few = [result("psycopg2_sync", [100] * 5), result("asyncpg_async", rates[:5])]
    more = [result("psycopg2_sync", [100] * 7), result("asyncpg_async", rates)]
    assert pairs.rounds_needed(few, 0.01, 5) == pairs.rounds_needed(more, 0.01, 5)
    known = [math.log(rate / 100) for rate in (100, 104, 98, 103)]
    assert pairs.rounds_needed(few, 0.01, 5) == values_needed(known, 0.95, math.log(1.01))


def test_an_interval_has_the_spread_of_the_first_stage_and_the_mean_of_all_rounds() -> None:
    """Where that spread decided how many rounds there are: 2 degrees of freedom after three of five rounds."""
    fast = [176, 175, 178, 174, 181]
    [pair] = [one for one in pairs.compare([SLOW, FAST], 3) if one.metric == "throughput_rps"]
    ratios = [new / old for new, old in zip(fast, [100, 101, 99, 100, 102], strict=True)]
    assert (pair.ci_low, pair.ci_high) == pytest.approx(mean_interval(ratios, 0.95, ratios[:3]))
    assert pair.ratio == pytest.approx(math.prod(ratios) ** 0.2)
    assert pair.rounds == 5
    lacking = result("asyncpg_async", [None, None, 178, 174, 181])
    [pair] = [one for one in pairs.compare([SLOW, lacking], 3) if one.metric == "throughput_rps"]
    assert (pair.conclusion, pair.why) == ("not comparable", "known in fewer than two rounds of the first stage")


def test_a_round_that_is_left_out_of_one_cell_moves_no_other() -> None:
    """Round 2 has no ratio; those after it are still of the same round."""
    full = result("asyncpg_async", [200, 400, 800, 1600])
    gap = result("psycopg2_sync", [100, None, 400, 800])
    pair = found([gap, full])["asyncpg_async", "psycopg2_sync"]
    assert pair.rounds == 3
    assert pair.ratio == pytest.approx(2.0)


def test_a_cell_that_is_not_judged_is_not_compared() -> None:
    """Its plan has looser thresholds."""
    rates = [100.0, 101.0, 102.0]
    pair = found([result("psycopg2_sync", rates), result("asyncpg_async", rates, verdict="UNJUDGED")])
    one = pair["asyncpg_async", "psycopg2_sync"]
    assert (one.conclusion, one.ratio, one.why) == ("not comparable", None, "UNJUDGED: asyncpg_async")
