"""What a person reads at the end, and the files that other tools read."""

from dataclasses import replace

import polars as pl
import pytest
from rich.console import Console

from bench.analysis import analysis, ceilings
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Ceilings, Outcome
from bench.analysis.verdict import Judgement, Verdict
from bench.plan.matrix import Cell, default_setup
from bench.plan.model import Load
from bench.plan.note import Kind, Note
from bench.report import csv_tables
from bench.report.terminal import ranking
from bench.store.rows import SUMMARY, summary_rows
from suite.arrival import Arrival
from tests.unit.evidence_of import evidence


def cell(service: str, *, once: bool = False) -> Cell:
    return Cell(service, "point_read", default_setup(service), 2, (), once)


def measured(count: int, *, failed: int = 0, users: int = 2) -> Measurement:
    frame = pl.DataFrame(
        {
            "operation": ["read_user"] * count,
            "error": ["wrong body"] * failed + [""] * (count - failed),
            "body_bytes": [100] * count,
            "latency_ns": [(1 + number % 100) * 1_000_000 for number in range(count)],
            "service_time_ns": [1_000_000] * count,
            "ok": [False] * failed + [True] * (count - failed),
        }
    )
    return Measurement(frame, evidence(requests=count, failures=failed, users=users))


def outcome() -> Outcome:
    made = Outcome()
    for first, second, service in ((10_000, 10_200, "psycopg2_sync"), (20_000, 20_400, "asyncpg_async")):
        made.add(cell(service), measured(first))
        made.add(cell(service), measured(second))
    made.add(cell("databases_async"), measured(1000, failed=500))
    made.add(cell("no_database", once=True), measured(50_000))
    made.ceilings = Ceilings({ceilings.of(cell("asyncpg_async")): 20_200.0})
    return made


GOLDEN = """\
point_read - One user read by id, over and over: the smallest request that needs the database.

 service           requests/s   95% CI   of best   p50 ms   p99 ms   CPU ms   failed   bound by      verdict
 ───────────────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async          2,020   ±13.4%      100%     50.0     99.0    0.485        0   service CPU   VALID
 psycopg2_sync          1,010   ±13.4%       50%     50.0     99.0    0.970        0   service CPU   VALID

 databases_async           50                        50.0             9.800      500   service CPU   INVALID
 no_database            5,000               248%     50.0     99.0    0.196        0   service CPU   VALID

databases_async: round 1: 500 of 1000 requests failed (50.00%, more than 0.1%)
databases_async: 500 x wrong body
bound by service CPU, psycopg2_sync: the service used 98% of the CPU time it can use; its CPU was 99% busy
below the line: measured once, as a landmark, not ranked

 ratio (95% CI of all together)    requests/s            p99                   CPU per request
 ─────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async / psycopg2_sync     2.00 (2.00 .. 2.00)   1.00 (1.00 .. 1.00)   0.50 (0.50 .. 0.50)
                                                         no difference shown
 databases_async / psycopg2_sync   not comparable        not comparable        not comparable
 databases_async / asyncpg_async   not comparable        not comparable        not comparable

no_database (the same load) 5,000 requests/s: asyncpg_async 40%, psycopg2_sync 20%
pgbench (the same SQL on 10 connections) 20,200 requests/s: asyncpg_async 10%, psycopg2_sync 5%
"""


def test_the_table_ranks_what_may_be_ranked() -> None:
    """Best first; below the line what is INVALID or a landmark, and what went wrong in words."""
    made, console = outcome(), Console(width=120, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == GOLDEN


def test_summary_rows_have_every_column_and_leave_unknown_ones_out() -> None:
    """All columns of the design; what nobody measured is None; a cell measured once has no interval."""
    rows = summary_rows("run", Load(), list(outcome().results.values()))
    assert all(set(row) == set(SUMMARY) for row in rows)
    [asyncpg] = [row for row in rows if row["service"] == "asyncpg_async" and row["operation"] == "all"]
    assert (asyncpg["requests"], asyncpg["throughput_rps"], asyncpg["rounds"]) == (40_400, 2020.0, 2)
    assert asyncpg["throughput_ci_low"] < 2020 < asyncpg["throughput_ci_high"]
    assert asyncpg["parameters"] == "pool_overflow=0;pool_timeout_s=30.0;threads=40"
    [landmark] = [row for row in rows if row["service"] == "no_database" and row["operation"] == "all"]
    assert landmark["throughput_ci_low"] is None
    assert (asyncpg["bound_by"], asyncpg["verdict"]) == ("service CPU", "VALID")
    assert asyncpg["reasons"] == (
        "bound by service CPU: the service used 98% of the CPU time it can use; its CPU was 99% busy"
    )
    assert asyncpg["service_cpu_ms_per_request"] == pytest.approx(2 * 9800 / 40_400)
    assert landmark["statements_per_request"] is None


def test_statistics_have_locusts_layout_and_exact_values() -> None:
    """A row an operation and Aggregated; failures count as requests, as in Locust's own file."""
    [read, total] = csv_tables.locust_rows(measured(1000, failed=10).samples, 10.0)
    assert (read["Type"], read["Name"], total["Type"], total["Name"]) == ("GET", "read_user", "", "Aggregated")
    assert (total["Request Count"], total["Failure Count"], total["Requests/s"], total["Failures/s"]) == (
        1000,
        10,
        100,
        1,
    )
    assert (total["50%"], total["99%"], total["100%"], total["Min Response Time"]) == (50, 99, 100, 1)
    assert list(total) == list(csv_tables.LOCUST_COLUMNS)


def test_a_verdict_is_the_worst_of_all_rounds() -> None:
    """One round with too few users spoils the cell."""
    made = Outcome()
    made.add(cell("asyncpg_async"), measured(1000))
    made.add(cell("asyncpg_async"), measured(1000, users=1))
    [result] = made.results.values()
    assert result.verdict == Verdict(
        Judgement.INVALID, (Note("round 2", Kind.INVALID, "1 of 2 users were running", "missing_users"),)
    )


def test_an_interval_without_an_end_stays_short() -> None:
    """Two rounds that have nothing in common: the table keeps its shape."""
    made = Outcome()
    for service, counts in (("psycopg2_sync", (1000, 50_000)), ("asyncpg_async", (50_000, 1000))):
        for count in counts:
            made.add(cell(service), measured(count))
    console = Console(width=120, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(ranking.ranking(*analysis.of(made).rankings))
    assert "asyncpg_async / psycopg2_sync    1.00 (0.00 .. over 1000)" in printed.get()


OPEN = """\
point_read - One user read by id, over and over: the smallest request that needs the database.

 service         requests/s   95% CI   p50 ms   p99 ms   uncorrected p99   CPU ms   failed   bound by       verdict
 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async        1,000    ±0.0%     50.0     99.0               1.0    0.980        0   offered rate   VALID
 psycopg2_sync        1,000    ±0.0%    100.0    198.0               1.0    0.980        0   offered rate   VALID

bound by offered rate, psycopg2_sync: 1,000 of 1,000 requests/s were answered as they came; the service used 98% of the
CPU time it can use

 ratio (95% CI of all together)   p50                   p99                   CPU per request
 ────────────────────────────────────────────────────────────────────────────────────────────────
 asyncpg_async / psycopg2_sync    0.50 (0.50 .. 0.50)   0.50 (0.50 .. 0.50)   1.00 (1.00 .. 1.00)
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
