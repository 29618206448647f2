"""What is shown between two runs, and what is not."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.intervals import welch_interval
from bench.analysis.pairs import Conclusion
from bench.compare import changes
from bench.compare.cells import OperationFigures
from bench.compare.changes import Change
from bench.plan import metrics
from bench.plan.metrics import Place
from suite import csv_writing
from tests.unit.compare import document_of

CELL = ("point_read", "asyncpg_async", "idiomatic", "gunicorn", "1", "10", "threads=40", "closed", "1000")
OTHER = (*CELL[:1], "psycopg2_sync", *CELL[2:])


def figures(
    *rates: float | None, cell: tuple[str, ...] = CELL, metric: str = "throughput_rps", verdict: str = "VALID"
) -> OperationFigures:
    rounds = {name: rates if name == metric else (None,) * len(rates) for name in metrics.names(Place.COMPARE)}
    whole = {metric: 5.0}
    return OperationFigures(cell, "all", verdict, whole, rounds if rates else {}, round_count=len(rates))


def change(old: OperationFigures, new: OperationFigures) -> Change:
    """The only one that there is."""
    [found] = changes.compare([old], [new])
    return found


def shown(one: Change) -> tuple[object, ...]:
    numbers = [value if value is None else round(value, 3) for value in (one.ratio, one.ci_low, one.ci_high)]
    return (*numbers, one.conclusion, one.why)


def test_a_change_has_a_ratio_an_interval_and_a_conclusion() -> None:
    """Ratio and figures are geometric means over the rounds; there need not be as many in both runs."""
    old, new = figures(100, 110, 90, 100), figures(210, 190, 200)
    low, high = welch_interval((100, 110, 90, 100), (210, 190, 200)) or (0, 0)
    found = change(old, new)
    assert shown(found) == (2.003, round(low, 3), round(high, 3), "higher", "")
    assert (found.rounds, round(found.old or 0, 2), round(found.new or 0, 2)) == ((4, 3), 99.75, 199.83)
    assert shown(change(new, old))[3] == "lower"
    assert shown(change(old, figures(100, 111, 92)))[3] == "no difference shown"


def test_a_first_stage_gives_the_spread() -> None:
    """Of a run whose own spread decided how many rounds it has: Welch's interval has that of its first rounds."""
    old, new = (100.0, 110.0, 90.0, 100.0, 100.0), (120.0, 125.0, 118.0)
    found = change(replace(figures(*old), first_stage=3), figures(*new))
    assert (found.ci_low, found.ci_high) == welch_interval(old, new, 0.95, (3, None))
    assert (found.ci_low, found.ci_high) != welch_interval(old, new)


def test_intervals_of_one_metric_hold_for_all_cells_together() -> None:
    """With two cells each has 97.5%; a cell that cannot be compared takes nothing away from the others."""
    old, new = (100.0, 110.0, 90.0), (120.0, 125.0, 118.0)
    each = welch_interval(old, new, 0.975)
    both = changes.compare([figures(*old), figures(*old, cell=OTHER)], [figures(*new), figures(*new, cell=OTHER)])
    assert [(one.ci_low, one.ci_high) for one in both] == [each, each]
    invalid = figures(*new, cell=OTHER, verdict="INVALID")
    alone, refused = changes.compare([figures(*old), figures(*old, cell=OTHER)], [figures(*new), invalid])
    assert (alone.ci_low, alone.ci_high) == welch_interval(old, new)
    assert shown(refused) == (None, None, None, "not comparable", "INVALID: new")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (figures(4.0), figures(5.0, 6.0), (1.369, None, None, "not comparable", "no interval: one round (old)")),
        (figures(4.0), figures(6.0), (1.5, None, None, "not comparable", "no interval: one round (old and new)")),
        (figures(), figures(6.0, 6.0), (1.0, None, None, "not comparable", "no samples of the old run: no interval")),
        (
            figures(4.0, None),
            figures(6.0, 6.0),
            (1.0, None, None, "not comparable", "unknown in round 2 of the old run"),
        ),
        (
            figures(6.0, 6.0, metric="latency_p99_ms"),
            figures(6.0, None, metric="latency_p99_ms"),
            (1.0, None, None, "not comparable", "unknown in round 2 of the new run: under 100 samples beyond it"),
        ),
        (
            figures(0.0, 0.0, metric="failure_ratio"),
            figures(0.1, 0.1, metric="failure_ratio"),
            (None, None, None, "not comparable", "no interval: 0 in a round (old)"),
        ),
    ],
    ids=["one round", "one round each", "summary only", "not in every round", "few samples", "no failure before"],
)
def test_without_an_interval_nothing_is_concluded(
    old: OperationFigures, new: OperationFigures, expected: tuple[object, ...]
) -> None:
    """The ratio stands alone, and why. Without every round, both figures are those of the whole run."""
    assert shown(change(old, new)) == expected


def test_failures_are_told_only_where_there_are_any() -> None:
    """No row says that nothing failed in either run."""
    clean = figures(0.0, 0.0, metric="failure_ratio")
    clean = OperationFigures(clean.identity, "all", "VALID", {"failure_ratio": 0.0}, clean.rounds, 2)
    assert changes.compare([clean], [clean]) == ()


def test_arrivals_at_another_rate_are_another_load() -> None:
    """Within 2% they count as the same."""
    old, near, far = (
        OperationFigures(CELL, "all", "VALID", {}, {"throughput_rps": (rate, rate + 1)}, 2, offered_rps=rate)
        for rate in (800.0, 815.0, 900.0)
    )
    assert change(old, near).conclusion == "higher"
    refused = change(old, far)
    assert (refused.conclusion, refused.why) == (
        "not comparable", "offered 800 and 900 requests/s: another load",
    )  # fmt: skip


FASTER, SLOWER = (200.0, 201.0), (100.0, 101.0)


@pytest.mark.parametrize(
    ("metric", "old", "new", "floor", "expected"),
    [
        ("throughput_rps", SLOWER, FASTER, "new", (True, False, "higher")),
        ("throughput_rps", FASTER, SLOWER, "new", (True, False, "not comparable")),
        ("throughput_rps", FASTER, SLOWER, "old", (False, True, "lower")),
        ("throughput_rps", SLOWER, FASTER, "old", (False, True, "not comparable")),
        ("latency_p99_ms", FASTER, SLOWER, "new", (False, True, "lower")),
        ("latency_p99_ms", SLOWER, FASTER, "new", (False, True, "not comparable")),
        ("latency_p99_ms", SLOWER, FASTER, "old", (True, False, "higher")),
        ("throughput_rps", SLOWER, FASTER, "old new", (False, False, "not comparable")),
        ("service_cpu_ms_per_request", SLOWER, FASTER, "old new", (True, True, "higher")),
    ],
)
def test_a_floor_leaves_an_end_open(
    metric: str, old: tuple[float, ...], new: tuple[float, ...], floor: str, expected: tuple[bool, bool, str]
) -> None:
    """The end that a fuller load could move; where only that would show something, nothing is shown."""
    before, after = (
        figures(*values, metric=metric, verdict="FLOOR" if name in floor else "VALID")
        for name, values in (("old", old), ("new", new))
    )
    found = change(before, after)
    assert (found.ci_low is not None, found.ci_high is not None, found.conclusion) == expected
    assert ("only a bound is known" in found.why) == (metric != "service_cpu_ms_per_request")


RUNS = 5_000


@pytest.mark.parametrize(("before", "after", "called"), [(5, 5, 0.044), (10, 5, 0.051), (3, 3, 0.035)])
def test_a_run_is_seldom_called_different_from_itself(before: int, after: int, called: float) -> None:
    """Of simulated pairs of runs of an unchanged service, unadjusted, 5% or, with few rounds, fewer show a difference.

    What is expected is Welch's own rate, from 200,000 pairs of normal samples; +- 0.9 points are three standard errors.
    """
    chance = np.random.default_rng(1947)
    rates = [(4000 * np.exp(chance.normal(0, 0.05, (RUNS, rounds)))).tolist() for rounds in (before, after)]
    found = [changes.compare([figures(*old)], [figures(*new)])[0] for old, new in zip(*rates, strict=True)]
    different = sum(one.conclusion in {"higher", "lower"} for one in found)
    assert different / RUNS == pytest.approx(called, abs=0.009)


def test_text_cells_of_compare_csv_are_no_formulas() -> None:
    """As everywhere in the results."""
    [one, *_] = changes.compare(*[[document_of.figures("=1+1", (1, 2), (1, 2))]] * 2)
    header, row = csv_writing.csv_text(changes.COLUMNS, [one.row()]).splitlines()
    assert header.split(",") == list(changes.COLUMNS)
    assert row == (
        "point_read,all,'=1+1,idiomatic,gunicorn,1,10,threads=40,closed,1000,throughput_rps,2,2,"
        "1.41421,1.41421,1.0,0.121377,8.2388,,,,,no difference shown,"
    )


def test_what_is_not_judged_is_not_compared() -> None:
    """Its figures are there, and no ratio."""
    one = change(figures(100.0, 101.0), figures(200.0, 202.0, verdict="UNJUDGED"))
    assert shown(one) == (None, None, None, Conclusion.NOT_COMPARABLE, "UNJUDGED: new")
    assert (one.old, one.new) == pytest.approx((100.5, 201.0), rel=0.001)


def test_a_first_stage_of_one_round_has_no_spread() -> None:
    """Its others were left out."""
    old, new = figures(100.0, 101.0, 102.0), replace(figures(100.0, 101.0, 102.0), first_stage=1)
    assert change(old, new).why == "no interval: one round (new)"


SERVICES = ("psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async")


def run_of(rates: dict[str, list[float]]) -> list[OperationFigures]:
    """A run with one cell of each service."""
    return [figures(*values, cell=(CELL[0], service, *CELL[2:])) for service, values in rates.items()]


def rates_of(chance: np.random.Generator, factors: dict[str, float]) -> dict[str, list[float]]:
    """Five rounds, each of another speed, and noise of each service's own; `factors` is what a run changed by."""
    rounds = chance.normal(0, 0.05, 5)
    return {
        one: (4000 * factors.get(one, 1.0) * np.exp(rounds + chance.normal(0, 0.02, 5))).tolist() for one in SERVICES
    }


def test_what_all_services_changed_by_is_set_apart() -> None:
    """A machine that became 10% faster makes no service better; one that also became 20% slower is named alone."""
    chance = np.random.default_rng(17)
    old = run_of(rates_of(chance, {}))
    new = run_of(rates_of(chance, dict.fromkeys(SERVICES, 1.1) | {"asyncpg_async": 1.1 * 0.8}))
    found = {one.identity[1]: one for one in changes.compare(old, new)}
    assert [found[one].conclusion for one in SERVICES] == [
        Conclusion.NONE_SHOWN, Conclusion.LOWER, Conclusion.NONE_SHOWN, Conclusion.NONE_SHOWN,
    ]  # fmt: skip
    [together] = changes.shared(old, new)
    assert (together.metric, together.cells) == ("throughput_rps", 4)
    assert together.factor.low < 1.1 < together.factor.high
    assert found["asyncpg_async"].shared_ratio == together.factor.ratio
    assert found["asyncpg_async"].net_ratio == pytest.approx(0.8, rel=0.05)
    assert found["asyncpg_async"].ratio == pytest.approx(0.88, rel=0.1)


def test_two_services_cannot_say_which_of_them_changed() -> None:
    """Nor can many cells of one service: the ratio itself is judged, as it is for memory, which no machine moves."""
    chance = np.random.default_rng(17)
    old, new = (run_of(rates_of(chance, dict.fromkeys(SERVICES, factor)))[:2] for factor in (1.0, 2.0))
    assert {one.conclusion for one in changes.compare(old, new)} == {Conclusion.HIGHER}
    assert (changes.shared(old, new), changes.compare(old, new)[0].net_ratio) == ((), None)
    memory = {one: [100.0, 101.0] for one in SERVICES}
    runs = [
        [replace(one, rounds={"service_rss_peak_mb": one.rounds["throughput_rps"]}) for one in run_of(rates)]
        for rates in (memory, {one: [200.0, 201.0] for one in SERVICES})
    ]
    found = [one for one in changes.compare(*runs) if one.metric == "service_rss_peak_mb"]
    assert [(one.conclusion, one.net_ratio) for one in found] == [(Conclusion.HIGHER, None)] * 4


def test_a_floor_shares_no_change_and_keeps_its_open_end() -> None:
    """Its bound says nothing about the others; beside them it is a bound still."""
    chance = np.random.default_rng(17)
    old, new = (run_of(rates_of(chance, dict.fromkeys(SERVICES, factor))) for factor in (1.0, 1.1))
    new[0] = replace(new[0], verdict="FLOOR")
    [together] = changes.shared(old, new)
    assert together.cells == 3
    floor = changes.compare(old, new)[0]
    assert (floor.net_ratio is not None, floor.net_ci_high, floor.ci_high) == (True, None, None)


def test_a_changing_machine_is_seldom_called_a_changed_service() -> None:
    """Of 1,000 simulated pairs of runs between which the machine changes by some 10%, 5% of the cells or fewer."""
    chance = np.random.default_rng(1917)
    pairs, shown, plain = 1000, 0, 0
    for _ in range(pairs):
        runs = [
            run_of(rates_of(chance, dict.fromkeys(SERVICES, factor)))
            for factor in (1.0, *np.exp(chance.normal(0, 0.1, 1)))
        ]
        found = changes.compare(*runs)
        shown += any(one.conclusion in {"higher", "lower"} for one in found)
        plain += any(not (one.ci_low or 0) <= 1 <= (one.ci_high or 0) for one in found)
    assert shown / pairs <= 0.05
    assert plain / pairs > 0.3
