"""The ranking of a scenario in a terminal."""

from dataclasses import replace

import polars as pl
from rich.console import Console

from bench.analysis import analysis
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.report.terminal import ranking
from suite.arrival import Arrival
from tests.unit.analysis.outcome_of import cell, measured, outcome

GOLDEN = """\
point_read - One user read by id, over and over: the smallest request that needs the database.
databases_async is INVALID and not ranked: round 1: 500 of 1000 requests failed (50.00%, more than 0.1%).
asyncpg_async served most, 2,020 requests/s (95% interval 1,781 to 2,291), bound by service CPU.
- asyncpg_async serves 2.00 (2.00 to 2.00) times as many requests/s as psycopg2_sync; it takes 0.50 (0.50 to 0.50) times
the CPU time per request.

 service           requests/s   95% CI   of best   p50 ms   p99 ms   CPU ms   failed   bound by      verdict
 ───────────────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async          2,020   ±13.4%      100%     50.0     99.0    0.485        0   service CPU   VALID
 psycopg2_sync          1,010   ±13.4%       50%     50.0     99.0    0.970        0   service CPU   VALID

 databases_async           50                        50.0             9.800      500   service CPU   INVALID
 no_database            5,000               248%     50.0     99.0    0.196        0   service CPU   VALID

databases_async: 500 x wrong body
bound by service CPU, psycopg2_sync: the service used 98% of the CPU time it can use; its CPU was 99% busy
below the line: measured once, as a landmark, not ranked
ledger of the windows: 111,600 requests began or were due = 111,100 succeeded + 500 failed + 0 missed + 0 unfinished

 ratio (95% CI of all 3 ratios
 of this column together)          requests/s            p99                   CPU per request
 ─────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async / psycopg2_sync     2.00 (2.00 .. 2.00)   1.00 (1.00 .. 1.00)   0.50 (0.50 .. 0.50)
                                                         no difference shown
 databases_async / psycopg2_sync   not comparable        not comparable        not comparable
 databases_async / asyncpg_async   not comparable        not comparable        not comparable

no_database (the same load) 5,000 requests/s: asyncpg_async 40%
pgbench (the same SQL on 2 connections) 20,200 requests/s: asyncpg_async 10%, psycopg2_sync 5%
"""


def test_the_table_ranks_what_may_be_ranked() -> None:
    """Best first; below the line what is INVALID or a landmark, and what went wrong in words."""
    made, console = outcome(), Console(width=120, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == GOLDEN


def test_a_landmark_is_beside_the_cells_of_its_load() -> None:
    """Others have no share of it; where there are none, it has no line."""
    made = Outcome()
    few, many = (replace(cell("asyncpg_async"), slug=f"asyncpg_async-users_{users}", users=users) for users in (2, 50))
    for one in (few, many):
        made.add(one, measured(10_000, users=one.users))
    made.add(replace(cell("no_database", once=True), users=50), measured(50_000, users=50))
    made.add(replace(cell("no_database", once=True), slug="no_database-9", users=9), measured(50_000, users=9))
    console = Console(width=160, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    lines = [line.rstrip() for line in printed.get().splitlines() if "the same load" in line]
    assert lines == ["no_database (the same load) 5,000 requests/s: asyncpg_async-users_50 20%"]


def test_an_interval_without_an_end_stays_short() -> None:
    """Two rounds that have nothing in common: the table keeps its shape."""
    made = Outcome()
    for service, counts in (("psycopg2_sync", (1000, 50_000)), ("asyncpg_async", (50_000, 1000))):
        for count in counts:
            made.add(cell(service), measured(count))
    console = Console(width=120, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    assert "asyncpg_async / psycopg2_sync   1.00 (too few rounds)" in printed.get()


OPEN = """\
point_read - One user read by id, over and over: the smallest request that needs the database.
asyncpg_async answered soonest, with a p99 of 99.0 ms, bound by offered rate.
- asyncpg_async has 0.50 (0.50 to 0.50) times the p99 of psycopg2_sync; no difference in CPU time per request was shown,
the ratio is 1.00 (1.00 to 1.00).

 service         requests/s   95% CI   p50 ms   p99 ms   uncorrected p99   CPU ms   failed   bound by       verdict
 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async        1,000    ±0.0%     50.0     99.0               1.0    0.980        0   offered rate   VALID
 psycopg2_sync        1,000    ±0.0%    100.0    198.0               1.0    0.980        0   offered rate   VALID

bound by offered rate, psycopg2_sync: 1,000 of 1,000 requests/s were answered as they came; the service used 98% of the
CPU time it can use
ledger of the windows: 40,000 requests began or were due = 40,000 succeeded + 0 failed + 0 missed + 0 unfinished

 ratio (95% CI)                  p50                   p99                   CPU per request
 ───────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async / psycopg2_sync   0.50 (0.50 .. 0.50)   0.50 (0.50 .. 0.50)   1.00 (1.00 .. 1.00)
                                                                             no difference shown

"""


def test_an_open_load_is_ranked_by_latency() -> None:
    """Its throughput is the rate that was offered; the uncorrected service time stands beside the latency."""
    made = Outcome()
    for factor, service in ((2, "psycopg2_sync"), (1, "asyncpg_async")):
        seen = measured(10_000)
        slower = Measurement(
            seen.samples.with_columns(pl.col("latency_ns") * factor),
            replace(seen.evidence, arrival=Arrival.OPEN, offered_rps=1000.0, accounted=None),
        )
        for _ in range(2):
            made.add(cell(service), slower)
    console = Console(width=120, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == OPEN
