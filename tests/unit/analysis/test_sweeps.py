"""Sweeps: which cells are a curve, where a curve has its knee, and curves that have none."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from rich.console import Console, Group

from bench.analysis import pairs, sweeps
from bench.analysis.bound import Bound, By
from bench.analysis.outcome import CellResult
from bench.analysis.summary import OperationSummary
from bench.analysis.sweeps import Knee
from bench.analysis.verdict import Judgement, Verdict
from bench.plan.matrix import AA, Cell, Setup, default_setup
from bench.plan.model import Scalar
from bench.report.terminal import sweep
from suite.arrival import Arrival

USERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def point(service: str, axis: str, value: float, rate: float, verdict: str = "VALID") -> CellResult:
    """One cell with this throughput; `axis` is users, one of the setup's or a scenario's own."""
    setup, users = default_setup(service), 100
    parameters: tuple[tuple[str, Scalar], ...] = ()
    if axis == "users":
        users = int(value)
    elif hasattr(setup, axis):
        setup = Setup(**{**vars(setup), axis: value})
    else:
        parameters = ((axis, value),)
    cell = Cell(f"{service}-{axis}_{value:g}", "point_read", setup, users, parameters, once=False)
    latency_ms = 1000 * users / rate
    rounds = ({"throughput_rps": rate, "latency_p50_ms": latency_ms, "latency_p99_ms": latency_ms},) * 2
    rest = dict.fromkeys(("mean", "p90", "p95", "p99", "p999", "max"))
    cpu_of_a_round = tuple(figures | {"service_cpu_ms_per_request": 0.5} for figures in rounds)
    total = OperationSummary(
        "all",
        1000,
        0,
        0.0,
        rate,
        cpu_of_a_round,
        latency_p50_ms=latency_ms,
        **{f"latency_{name}_ms": value for name, value in rest.items()},
        service_cpu_ms_per_request=0.5,
    )
    return CellResult(cell, 2, (total,), Verdict(Judgement(verdict)), Bound(By.SERVICE_CPU, ""), ())


def of(
    rates: Mapping[int, float] | Mapping[float, float], axis: str = "users", service: str = "asyncpg_async"
) -> list[CellResult]:
    return [point(service, axis, value, rate) for value, rate in rates.items()]


def knee(results: list[CellResult]) -> Knee:
    [curve] = sweeps.curves(results)
    return sweeps.knee(curve)


@pytest.mark.parametrize(
    ("response_s", "most_rps", "at", "value"),
    [(0.002, 4000, 7.6, 10), (0.001, 13_000, 12.35, 10), (0.05, 2000, 95, 100), (0.002, 15_000, 28.5, 20)],
)
def test_the_knee_of_a_sharp_corner_is_close_below_it(
    response_s: float, most_rps: float, at: float, value: int
) -> None:
    """X(N) = min(N / R, X_max) has 95% of X_max at 95% of N* = R x X_max, on a measured value or between two."""
    found = knee(of({users: min(users / response_s, most_rps) for users in USERS}))
    assert found.at == pytest.approx(at, rel=0.15)
    assert found.value == value
    assert found.why.startswith(f"knee at users={found.at:.3g}, where the fitted curve has 95% of its highest")


def test_a_soft_curve_has_its_knee_where_it_is_near_its_best() -> None:
    """Balanced job bounds: X(N) = N / (R + (N - 1) D); its asymptotes cross at 8 users, with half of the throughput."""
    rates = {users: users / (0.004 + (users - 1) * 0.0005) for users in USERS}
    found = knee(of(rates))
    # 95% of X(1000), solved for N
    most = 0.95 * rates[1000]
    assert found.at == pytest.approx(most * 0.0035 / (1 - most * 0.0005), rel=0.15)
    assert found.value == 100
    assert found.why.endswith("of its highest throughput; nearest is users=100, measured at 93%")


def test_what_falls_beyond_its_best_has_a_knee() -> None:
    """Too many users cost throughput: the highest counts, wherever it is."""
    found = knee(of({1: 500, 10: 4000, 100: 4200, 1000: 3000}))
    assert found.at == pytest.approx(10, rel=0.1)
    assert found.value == 10


def test_a_curve_that_still_rises_has_no_knee() -> None:
    """The last value adds more than 5%: the highest throughput is not known."""
    why = "no knee: throughput still rises at users=1000"
    assert knee(of({users: users / 0.002 for users in USERS})) == Knee(None, None, why)


def test_a_flat_curve_has_no_knee() -> None:
    """One user fills it: nothing to gain anywhere."""
    found = knee(of({1: 980, 10: 1000, 100: 990, 1000: 985}))
    assert found == Knee(None, None, "no knee: users=1 gives 98% of the highest throughput")


def test_the_knee_of_any_axis_is_read_off_the_fitted_curve() -> None:
    """Not off the first value that happens to have 95%; one that only costs throughput has none."""
    found = knee(of({1: 400, 2: 700, 5: 930, 10: 960, 20: 1000, 40: 990}, "pool_size"))
    assert found.at == pytest.approx(4.7, rel=0.1)
    assert found.value == 5
    assert found.why.endswith("nearest is pool_size=5, measured at 95%")
    assert knee(of({1: 400, 2: 700, 5: 1100, 10: 1500}, "pool_size")).why == (
        "no knee: throughput still rises at pool_size=10"
    )
    for nearest in (0.0, 0.1):
        assert knee(of({nearest: 4000, 1: 2000, 2: 1000, 5: 400}, "database_rtt_ms")).why == (
            f"no knee: database_rtt_ms={nearest:g} gives 100% of the highest throughput"
        )


def test_what_no_fitted_curve_can_tell_has_no_knee() -> None:
    """A value of 0, throughputs that are no curve, a bend in the last gap; and one first value is low by chance."""
    assert knee(of({0: 400, 1: 2000, 2: 2000, 5: 400}, "count")).why == (
        "no knee: a curve is fitted to values above 0, and there is count=0"
    )
    away = knee(of({1: 100, 2: 500, 5: 120, 10: 600, 20: 90}, "pool_size")).why
    assert away.startswith("no knee: the measured throughputs are ")
    assert away.endswith("% away from the curve that fits best")
    assert knee(of({1: 200, 2: 400, 5: 1000, 10: 2000, 20: 1990})).why == (
        "no knee: it lies between the last two values, users=10 and users=20"
    )
    level = {1: 940, 2: 1005, 5: 985, 10: 1000, 20: 990, 50: 995, 100: 985, 200: 1000}
    assert knee(of(level)).why.endswith("% of the highest throughput of the fitted curve")


def test_what_may_not_be_ranked_does_not_count() -> None:
    """INVALID cells have no part in it; a FLOOR at the top makes the knee a lower bound; an open load has none."""
    rates = {users: min(users / 0.002, 4000) for users in USERS}
    spoiled = [point("asyncpg_async", "users", 2000, 9e6, "INVALID"), *of(rates)]
    assert knee(spoiled) == knee(of(rates))
    assert knee([*of({1: 500, 10: 4000, 100: 4200}), point("asyncpg_async", "users", 1000, 9e6, "INVALID")]) == Knee(
        None, None, "no knee: 3 of 4 values count, and it takes 4"
    )
    assert knee(of({1: 500, 10: 4000, 100: 4200})) == Knee(None, None, "")
    bounded = [*of({1: 500, 10: 4000, 1000: 4100}), point("asyncpg_async", "users", 100, 4200, "FLOOR")]
    assert knee(bounded).why.endswith("; a lower bound: the load was full where throughput was highest")
    opened = [replace(one, arrival=Arrival.OPEN) for one in of(rates)]
    assert knee(opened) == Knee(None, None, "no knee: the throughput of an open load is its rate")


def test_cells_that_differ_in_one_number_are_a_curve() -> None:
    """In ascending order, each service and setting by itself; landmarks, A/A arms and pairs of values are in none."""
    first, second = of({10: 3, 1: 1, 5: 2}), of({1: 1, 5: 2, 10: 3}, service="psycopg2_sync")
    landmark = replace(first[0], cell=replace(first[0].cell, once=True))
    arm = replace(first[0], cell=replace(first[0].cell, setup=replace(first[0].cell.setup, arm=AA)))
    found = sweeps.curves([*first, *second, landmark, arm])
    assert [(curve.name, curve.axis, curve.values) for curve in found] == [
        ("asyncpg_async", "users", (1, 5, 10)),
        ("psycopg2_sync", "users", (1, 5, 10)),
    ]
    assert sweeps.curves(of({1: 1, 5: 2})) == ()
    lean = [
        replace(one, cell=replace(one.cell, setup=replace(one.cell.setup, profile="lean")))
        for one in of({1: 3, 5: 2, 9: 1}, "count")
    ]
    found = sweeps.curves([*of({1: 3, 5: 2, 9: 1}, "count"), *lean])
    assert [(curve.name, curve.axis, curve.values) for curve in found] == [
        ("asyncpg_async, idiomatic", "count", (1, 5, 9)),
        ("asyncpg_async, lean", "count", (1, 5, 9)),
    ]


def test_a_sweep_has_a_row_for_each_point() -> None:
    """With its knee in words, and `yes` at the value next to it."""
    rows = list(sweeps.rows(sweeps.curves(of({1: 500, 10: 4000, 100: 4200, 1000: 4100}))))
    assert all(tuple(row) == sweeps.COLUMNS for row in rows)
    assert [(row["value"], row["throughput_rps"], row["is_knee"]) for row in rows] == [
        (1, 500, None),
        (10, 4000, "yes"),
        (100, 4200, None),
        (1000, 4100, None),
    ]
    [(name, axis, at, why)] = {(row["curve"], row["axis"], row["knee_at"], row["why"]) for row in rows}
    assert (name, axis, at) == ("asyncpg_async", "users", pytest.approx(9.2, rel=0.05))
    assert why == KNEE


KNEE = (
    "knee at users=9.21, where the fitted curve has 95% of its highest throughput; nearest is users=10, measured at 97%"
)

SHOWN = """
 service         users   requests/s   95% CI   p50 ms   p99 ms   CPU ms   failed   bound by      verdict
 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async       1          500    ±0.0%      2.0             0.500        0   service CPU   VALID
                    10        4,000    ±0.0%      2.5             0.500        0   service CPU   VALID     <- knee
                   100        4,200    ±0.0%     23.8             0.500        0   service CPU   VALID
                 1,000        4,100    ±0.0%    243.9             0.500        0   service CPU   VALID

 psycopg2_sync       1          300    ±0.0%      3.3             0.500        0   service CPU   VALID
                    10          900    ±0.0%     11.1             0.500        0   service CPU   VALID
                   100        1,500    ±0.0%     66.7             0.500        0   service CPU   VALID
                 1,000        2,000    ±0.0%    500.0             0.500        0   service CPU   VALID

asyncpg_async: KNEE
psycopg2_sync: no knee: throughput still rises at users=1000
"""


def test_a_sweep_is_shown_as_curves() -> None:
    """A section a service, the knee marked; cells that are on no curve are for a ranking."""
    results = [
        *of({1: 500, 10: 4000, 100: 4200, 1000: 4100}),
        *of({1: 300, 10: 900, 100: 1500, 1000: 2000}, service="psycopg2_sync"),
    ]
    console = Console(width=160, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(Group(*sweep.parts(sweeps.curves(results), results)))
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == SHOWN.replace("KNEE", KNEE)
    more = [*results, point("databases_async", "pool_size", 7, 100)]
    assert sweep.parts(sweeps.curves(more), more) == []


def test_neighbours_of_a_long_curve_are_compared() -> None:
    """And services at the same value, which is what a table shows when there is no room for all."""
    rates = dict.fromkeys(USERS, 1000.0)
    results = [*of(rates), *of(rates, service="psycopg2_sync")]
    found = [one for one in pairs.compare(results) if one.metric == "throughput_rps"]
    named = {(one.baseline, one.candidate) for one in found}
    assert len(named) == 9 + 9 + 10
    assert ("asyncpg_async-users_1", "asyncpg_async-users_2") in named
    assert ("asyncpg_async-users_1", "asyncpg_async-users_5") not in named
    brief, left_out = pairs.shown(found, results)
    assert left_out == 18
    assert [(one.baseline, one.candidate) for one in brief] == [
        (f"asyncpg_async-users_{users}", f"psycopg2_sync-users_{users}") for users in USERS
    ]
    three = of(dict.fromkeys((1, 2, 4), 1000.0), "workers")
    assert len([one for one in pairs.compare(three) if one.metric == "throughput_rps"]) == 3
    assert pairs.shown(found[:6], results) == (found[:6], 0)
