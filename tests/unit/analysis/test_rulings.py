"""Rulings on published claims: known answers for each kind, and what may not be ruled on."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from bench.analysis import analysis, summary
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.analysis.recorded.gauges import Collected
from bench.analysis.recorded.loop_lag import Lag
from bench.analysis.rulings import Estimate, Finding, Ruling, within
from bench.plan import matrix, metrics, model
from bench.plan.claims import METRICS, Claim
from bench.plan.matrix import AA, Cell, default_setup
from bench.plan.metrics import Known, Place
from bench.plan.model import Plan
from bench.report import csv_tables
from bench.report.terminal.claims import table
from bench.store import stored
from bench.store.rows import Origin
from suite.arrival import Arrival
from tests.unit.evidence_of import evidence
from tests.unit.samples_of import in_window

FAST, SLOW, SLOWEST = "asyncpg_async", "psycopg2_sync", "databases_async"


def cell(service: str, *, arm: str = "", once: bool = False) -> Cell:
    setup = replace(default_setup(service), arm=arm)
    return Cell(f"{service}-{arm}" if arm else service, "point_read", setup, 2, (), once)


def measured(count: int, *, failed: int = 0, latency_ms: float = 1.0, **seen: Any) -> Measurement:
    """So many requests in a window of 10 s, `failed` of them failed."""
    frame = pl.DataFrame(
        {
            "operation": ["read_user"] * count,
            "error": ["timed out"] * failed + [""] * (count - failed),
            "body_bytes": [100] * count,
            "latency_ns": [round(latency_ms * 1e6)] * count,
            "service_time_ns": [round(latency_ms * 1e6)] * count,
            "ok": [False] * failed + [True] * (count - failed),
        }
    )
    return Measurement(in_window(frame), evidence(**({"requests": count, "failures": failed} | seen)))


def outcome(services: Mapping[str, Sequence[Measurement]], *stated: Claim, expect_failures: bool = False) -> Outcome:
    """A run of these services, with these measurements in its rounds, whose plan has these claims."""
    cells = [cell(service) for service in services]
    made = Outcome(model.Thresholds(expect_failures=expect_failures), cells, claims=stated)
    for one in cells:
        if services[one.service]:
            made.add_all(one, services[one.service], [])
    return made


def rates(*rps: float, **seen: Any) -> list[Measurement]:
    """Rounds with these throughputs."""
    return [measured(round(10 * one), **seen) for one in rps]


def claim(metric: str = "throughput_rps", **more: Any) -> Claim:
    return Claim.model_validate({"id": "it", "source": "somebody", "claim": "in words", "metric": metric, **more})


def ratio_claim(metric: str = "throughput_rps", **more: Any) -> Claim:
    return claim(metric, candidate={"service": FAST}, baseline={"service": SLOW}, **more)


def rulings_of(made: Outcome) -> tuple[Ruling, ...]:
    return analysis.of(made).rulings


def ruled(made: Outcome) -> Ruling:
    [ruling] = rulings_of(made)
    return ruling


# Rounds' ratios 1.8, 2.0 and 2.2: logarithms 0.587787, 0.693147, 0.788457, mean 0.689797, standard deviation 0.100377,
# t(0.975, 2) = 4.302653, so that the half width is 0.249351.
THREE = {SLOW: rates(100, 110, 100), FAST: rates(180, 220, 220)}


def test_a_ratio_has_a_paired_interval_over_rounds() -> None:
    """The geometric mean of the rounds' own ratios, candidate over baseline; the whole row."""
    ruling = ruled(outcome(THREE, ratio_claim(expected=[1.5, 2.6])))
    figures = (ruling.measured, ruling.ci_low, ruling.ci_high)
    assert figures == pytest.approx((1.993311, 1.553400, 2.557801), rel=1e-5)
    assert replace(ruling, measured=None, ci_low=None, ci_high=None) == Ruling(
        "it", "somebody", "in words", "throughput_rps", "1.5 .. 2.6", None, None, None,
        Finding.CONFIRMED, "asyncpg_async / psycopg2_sync",
    )  # fmt: skip


def test_a_claim_may_be_about_one_operation() -> None:
    """Of 100 requests/s, 25 are reads of pages, all of which fail in the second round."""
    rounds = [measured(1000), measured(1000)]
    for number, one in enumerate(rounds):
        page = pl.int_range(pl.len()) % 4 == 0
        frame = one.samples.with_columns(
            pl.when(page).then(pl.lit("list_users")).otherwise(pl.col("operation")).alias("operation"),
            (pl.col("ok") & ~(page & pl.lit(number == 1))).alias("ok"),
        )
        rounds[number] = replace(one, samples=frame)
    asked = {"cell": {"service": FAST}, "at_least": 0}
    pages = claim("failure_ratio", operation="list_users", **asked)
    reads = claim("throughput_rps", operation="read_user", **asked)
    none = claim("throughput_rps", operation="create_user", **asked)
    of_pages, of_reads, of_none = rulings_of(outcome({FAST: rounds}, pages, reads, none, expect_failures=True))
    assert (of_pages.measured, of_pages.why) == (0.5, "asyncpg_async; list_users")
    assert of_reads.measured == 75
    assert (of_none.ruling, of_none.why) == (Finding.NOT_TESTED, "asyncpg_async had no request of create_user")


@pytest.mark.parametrize(
    ("expectation", "expected", "ruling"),
    [
        ({"expected": [1.5, 2.6]}, "1.5 .. 2.6", "confirmed"),
        ({"expected": [1.6, 2.6]}, "1.6 .. 2.6", "undecided"),
        ({"expected": [1.9, 2.1]}, "1.9 .. 2.1", "undecided"),
        ({"expected": [8, 12]}, "8 .. 12", "refuted"),
        ({"expected": [0.5, 1]}, "0.5 .. 1", "refuted"),
        ({"at_least": 1.5}, "at least 1.5", "confirmed"),
        ({"at_least": 2}, "at least 2", "undecided"),
        ({"at_least": 3}, "at least 3", "refuted"),
        ({"at_most": 3}, "at most 3", "confirmed"),
        ({"at_most": 2}, "at most 2", "undecided"),
        ({"at_most": 1}, "at most 1", "refuted"),
    ],
)
def test_the_whole_interval_decides(expectation: dict[str, Any], expected: str, ruling: str) -> None:
    """Inside the range: confirmed; outside: refuted; across an end, or wider than the range: undecided."""
    found = ruled(outcome(THREE, ratio_claim(**expectation)))
    assert (found.expected, found.ruling) == (expected, ruling)


def test_a_value_has_an_interval_on_logarithms() -> None:
    """Throughputs 190, 200 and 210: geometric mean 199.83, half width 4.302653 x 0.050047 / sqrt(3) = 0.124324."""
    found = ruled(outcome({FAST: rates(190, 200, 210)}, claim(cell=FAST, expected=[170, 230])))
    assert (found.measured, found.ci_low, found.ci_high) == pytest.approx((199.8328, 176.4715, 226.2875), rel=1e-5)
    assert (found.ruling, found.why) == ("confirmed", "asyncpg_async")
    narrow = claim(cell=FAST, expected=[180, 220])
    assert ruled(outcome({FAST: rates(190, 200, 210)}, narrow)).ruling == "undecided"


def test_a_share_has_a_plain_interval_within_0_and_1() -> None:
    """Success ratios 0.9, 0.95 and 1.0: mean 0.95, half width 4.302653 x 0.05 / sqrt(3) = 0.124207, cut off at 1."""
    rounds = [measured(100, failed=failed) for failed in (10, 5, 0)]
    found = ruled(outcome({FAST: rounds}, claim("success_ratio", cell=FAST, at_least=0.8), expect_failures=True))
    assert (found.measured, found.ci_low, found.ci_high) == pytest.approx((0.95, 0.825793, 1.0), abs=1e-6)
    assert found.ruling == "confirmed"
    failing = claim("failure_ratio", cell=FAST, at_least=0.01)
    found = ruled(outcome({FAST: rounds}, failing, expect_failures=True))
    assert (found.measured, found.ci_low, found.ci_high) == pytest.approx((0.05, 0.0, 0.174207), abs=1e-6)
    assert found.ruling == "undecided"


def test_rounds_that_agree_exactly_lie_on_the_end_of_a_range() -> None:
    """All succeeded: 1 is at least 1, and ten connections are at most ten (exp(ln 10) is not)."""
    rounds = [measured(100, connections_peak=10) for _ in range(3)]
    stated = (
        claim("success_ratio", cell=FAST, expected=[1, 1]),
        claim("connections_peak", cell=FAST, at_most=10),
        claim("idle_in_transaction_peak", cell=FAST, at_most=0),
    )
    rounds = [replace(one, evidence=replace(one.evidence, idle_in_transaction_peak=0)) for one in rounds]
    found = rulings_of(outcome({FAST: rounds}, *stated))
    assert [(one.ruling, one.measured, one.ci_low, one.ci_high) for one in found] == [
        ("confirmed", 1.0, 1.0, 1.0), ("confirmed", 10, 10, 10), ("confirmed", 0, 0, 0),
    ]  # fmt: skip


def test_a_zero_does_not_end_a_value_but_a_ratio() -> None:
    """0, 1 and 2 idle connections: mean 1, half width 4.302653 / sqrt(3) = 2.484138, cut off at 0."""
    rounds = [measured(100, idle_in_transaction_peak=peak) for peak in (0, 1, 2)]
    stated = (
        claim("idle_in_transaction_peak", cell=FAST, at_most=5),
        ratio_claim("idle_in_transaction_peak", at_most=5),
    )
    value, ratio = rulings_of(outcome({FAST: rounds, SLOW: rounds}, *stated))
    assert (value.measured, value.ci_low, value.ci_high) == pytest.approx((1, 0, 3.484138), abs=1e-6)
    assert (value.ruling, ratio.ruling, ratio.measured) == ("confirmed", "undecided", None)
    assert (
        ratio.why == "asyncpg_async / psycopg2_sync; idle_in_transaction_peak is 0 in a round, and a ratio needs more"
    )


RANKING = [{"service": FAST}, {"service": SLOW}, {"service": SLOWEST}]


@pytest.mark.parametrize(
    ("slowest", "ruling", "pair"),
    [
        (rates(50, 52, 51), "confirmed", "asyncpg_async / psycopg2_sync"),
        (rates(99, 103, 100), "undecided", "psycopg2_sync / databases_async"),
        (rates(150, 153, 148), "refuted", "psycopg2_sync / databases_async"),
    ],
)
def test_a_ranking_is_as_strong_as_its_weakest_pair(slowest: list[Measurement], ruling: str, pair: str) -> None:
    """Confirmed when each neighbour is shown above the next, refuted when one is shown below it, else undecided."""
    rounds = {FAST: rates(160, 164, 161), SLOW: rates(100, 102, 101), SLOWEST: slowest}
    found = ruled(outcome(rounds, claim(ranking=RANKING)))
    assert found.expected == "asyncpg_async > psycopg2_sync > databases_async"
    assert (found.ruling, found.why) == (ruling, pair)


def test_the_intervals_of_a_ranking_hold_together() -> None:
    """Two neighbours: 97.5% each, t(0.9875, 2) = 6.2053; of two confirmed ones, the lower ratio is reported."""
    rounds = {FAST: rates(180, 220, 220), SLOW: rates(100, 110, 100), SLOWEST: rates(10, 11, 10)}
    found = ruled(outcome(rounds, claim(ranking=RANKING)))
    half = 6.2053 * 0.100377 / math.sqrt(3)
    assert (found.ci_low, found.ci_high) == pytest.approx(
        (1.993311 * math.exp(-half), 1.993311 * math.exp(half)), rel=1e-4
    )
    assert found.ruling == "confirmed"


def test_a_claims_interval_has_the_spread_of_the_first_stage() -> None:
    """Where that decided how many rounds there are: 1.6, 1.65 and 1.55 of five rounds; the mean is of all."""
    made = outcome(
        {FAST: rates(160, 165, 155, 160, 160), SLOW: rates(100, 100, 100, 100, 100)}, ratio_claim(at_least=1)
    )
    plain = ruled(made)
    made.first_stage = 3
    found = ruled(made)
    spread = statistics.stdev(map(math.log, (1.6, 1.65, 1.55)))
    half = 4.302653 * spread / math.sqrt(5)
    assert found.measured == plain.measured
    assert math.log((found.ci_high or 0) / (found.ci_low or 1)) / 2 == pytest.approx(half)
    assert found.ci_high != plain.ci_high


def test_a_batch_takes_until_its_last_answer() -> None:
    """`batch_s` is each round's window; of another load it is unknown."""
    stated = claim("batch_s", cell=FAST, expected=[9.5, 10.5])
    rounds = [measured(10, arrival=Arrival.BATCH, length_s=length_s) for length_s in (10.02, 10.03, 10.04)]
    found = ruled(outcome({FAST: rounds}, stated))
    assert found.measured == pytest.approx(10.03, abs=1e-5)
    assert found.ruling == "confirmed"
    closed = ruled(outcome({FAST: rates(100, 100)}, stated))
    assert (closed.ruling, closed.why) == ("not tested", "batch_s of asyncpg_async is unknown")


def test_one_round_decides_nothing() -> None:
    """Its value is shown, without an interval."""
    found = ruled(outcome({FAST: rates(100)}, claim(cell=FAST, at_least=1)))
    assert (found.measured, found.ci_low, found.ci_high) == (100.0, None, None)
    assert (found.ruling, found.why) == ("undecided", "asyncpg_async; one round: an interval needs two")
    assert ruled(outcome({FAST: rates(9, 9), SLOW: rates(1)}, ratio_claim(at_least=1))).ruling == "undecided"
    share = ruled(outcome({FAST: rates(100)}, claim("success_ratio", cell=FAST, at_least=0)))
    assert (share.ci_low, share.ci_high, share.ruling) == (None, None, "undecided")


@pytest.mark.parametrize(
    ("rounds", "metric", "why"),
    [
        ({SLOW: rates(100, 100)}, "throughput_rps", "service=asyncpg_async names no cell; there are: psycopg2_sync"),
        ({SLOW: rates(100, 100), FAST: []}, "throughput_rps", "asyncpg_async was not measured"),
        (
            {SLOW: rates(100, 100), FAST: [*rates(100), measured(1000, failed=2)]},
            "throughput_rps",
            "asyncpg_async INVALID: round 2: 2 of 1000 requests failed (0.20%, more than 0.1%)",
        ),
        (
            {SLOW: rates(1000, 1000), FAST: rates(1000, 900)},
            "latency_p99_ms",
            "latency_p99_ms of asyncpg_async is unknown in round 2: under 100 samples beyond it",
        ),
        (
            {SLOW: rates(10, 10), FAST: rates(10, 10)},
            "latency_p99_ms",
            "; ".join(f"latency_p99_ms of {one} is unknown: under 100 samples beyond it" for one in (FAST, SLOW)),
        ),
    ],
    ids=["left out", "not measured", "INVALID", "unknown in a round", "unknown"],
)
def test_what_cannot_be_tested_says_why(rounds: dict[str, list[Measurement]], metric: str, why: str) -> None:
    """No number that somebody could quote."""
    found = ruled(outcome(rounds, ratio_claim(metric, at_least=1)))
    assert (found.ruling, found.why) == ("not tested", why)
    assert (found.measured, found.ci_low, found.ci_high) == (None, None, None)


FULL_LOAD = {"cpu_busy": {0: 0.99, 1: 0.5}}


@pytest.mark.parametrize(
    ("stated", "ruling", "ends"),
    [
        (claim(cell=FAST, at_least=150), "confirmed", (True, False)),
        (claim(cell=FAST, expected=[150, 190]), "undecided", (True, False)),
        (claim(cell=FAST, at_most=100), "refuted", (True, False)),
        (claim("latency_mean_ms", cell=FAST, at_most=2), "confirmed", (False, True)),
        (claim("latency_mean_ms", cell=FAST, at_least=2), "refuted", (False, True)),
        (ratio_claim(at_least=1), "confirmed", (True, False)),
        (claim(candidate=SLOW, baseline=FAST, at_least=1), "refuted", (False, True)),
        (ratio_claim("latency_mean_ms", expected=[0.5, 1.5]), "undecided", (False, True)),
        (ratio_claim("service_rss_peak_mb", expected=[0.5, 1.5]), "confirmed", (True, True)),
    ],
)
def test_a_lower_bound_decides_only_what_it_bounds(stated: Claim, ruling: str, ends: tuple[bool, bool]) -> None:
    """A FLOOR cell's throughput may be higher and its latency lower, so that end of the interval is open."""
    found = ruled(outcome({SLOW: rates(100, 101), FAST: rates(180, 181, machine=FULL_LOAD)}, stated))
    assert (found.ruling, (found.ci_low is not None, found.ci_high is not None)) == (ruling, ends)
    assert ("asyncpg_async FLOOR: only a bound is known" in found.why) == (ends != (True, True))


def test_an_aa_arm_is_nobodys_claim() -> None:
    """A selector names the original; the arm only when it is asked for."""
    made = Outcome(cells=[cell(FAST), cell(FAST, arm=AA)])
    made.claims = [claim(cell={"service": FAST}, at_least=1), claim(cell={"service": FAST, "arm": AA}, at_least=1)]
    for number, one in enumerate(made.cells, 1):
        made.add_all(one, rates(100 * number, 100 * number), [])
    assert [one.measured for one in rulings_of(made)] == [100.0, 200.0]


def test_a_ranking_that_cannot_be_tested_names_what_there_is() -> None:
    """Slugs of the cells that the run has, the plan's words for the others."""
    found = ruled(outcome({SLOW: rates(100, 100), FAST: []}, claim(ranking=RANKING)))
    assert found.expected == "asyncpg_async > psycopg2_sync > service=databases_async"
    assert (found.ruling, found.measured) == ("not tested", None)
    assert found.why == (
        "asyncpg_async was not measured; service=databases_async names no cell; there are: psycopg2_sync, asyncpg_async"
    )


def test_every_number_of_the_summary_can_be_claimed() -> None:
    """Each column that a round has for itself is a metric, and each metric is a number of one round."""
    in_summary = {one.name for one in metrics.in_(Place.SUMMARY) if one.known is not Known.RUN}
    assert in_summary == set(METRICS) - {"success_ratio", "batch_s", "ping_p50_ms", "ping_max_ms"}
    watched: dict[str, Any] = {
        "connections_peak": 10,
        "idle_in_transaction_peak": 1,
        "transactions": 400_000,
        "ping_p50_ms": 1.0,
        "ping_max_ms": 2.0,
        "collected": Collected(full_per_s=0.5, share=0.05, longest_s=0.06),
        "lag": Lag(mean_ms=1.0, p99_ms=9.0, max_ms=80.0),
    }
    one = measured(200_000, arrival=Arrival.BATCH, **watched)
    [figures] = summary.total([one]).rounds
    assert set(figures) == set(METRICS)
    assert [metric for metric, found in figures.items() if found is None] == []
    assert (figures["service_rss_peak_mb"], figures["batch_s"], figures["success_ratio"]) == (80.0, 10.0, 1.0)


@pytest.mark.parametrize(
    ("estimate", "low", "high", "ruling"),
    [
        (Estimate(2, 1, 3), 1, 3, "confirmed"),
        (Estimate(2, 1, 3), 3, 4, "undecided"),
        (Estimate(2, 1, 3), 3.1, 4, "refuted"),
        (Estimate(2), -math.inf, 4, "undecided"),
        (Estimate(2, 1), 0, math.inf, "confirmed"),
    ],
)
def test_the_ends_of_a_range_belong_to_it(estimate: Estimate, low: float, high: float, ruling: str) -> None:
    """And an unknown end of an interval reaches as far as can be."""
    assert within(estimate, low, high) == ruling


GOLDEN = """\
published claims, as this run bears them out

 claim                        source         expected                     measured (95% CI)        ruling
 ────────────────────────────────────────────────────────────────────────────────────────────────────────────
 10x throughput               a comparison   8 .. 12                      1.99 (1.55 .. 2.56)      refuted
 =200 requests/s [bold]       somebody       at least 100                 206 (154 .. 274)         confirmed
 psycopg2 above asyncpg       somebody       psycopg2_sync >              0.502 (0.391 .. 0.644)   refuted
                                             asyncpg_async
 databases has 100            somebody       90 .. 110                                             not tested
 requests/s

ten: throughput_rps, asyncpg_async / psycopg2_sync
rate: throughput_rps, asyncpg_async
order: throughput_rps, psycopg2_sync / asyncpg_async
absent: throughput_rps, databases_async names no cell; there are: psycopg2_sync, asyncpg_async
"""


STATED = (
    claim(id="ten", source="a comparison", claim="10x throughput", candidate=FAST, baseline=SLOW, expected=[8, 12]),
    claim(id="rate", claim="=200 requests/s [bold]", cell=FAST, at_least=100),
    claim(id="order", claim="psycopg2 above asyncpg", ranking=[SLOW, FAST]),
    claim(id="absent", claim="databases has 100 requests/s", cell=SLOWEST, expected=[90, 110]),
)


def test_the_terminal_shows_each_claim_with_its_ruling() -> None:
    """Words as they were written, what was expected and measured, and below what that rests on."""
    console = Console(width=110, record=True, file=None, force_terminal=False)
    with console.capture() as printed:
        console.print(table(rulings_of(outcome(THREE, *STATED))))
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == GOLDEN


ROWS = """\
id,source,claim,metric,expected,measured,ci_low,ci_high,ruling,why,run_id
ten,a comparison,10x throughput,throughput_rps,8 .. 12,1.99331,1.5534,2.5578,refuted,asyncpg_async / psycopg2_sync,run
rate,somebody,'=200 requests/s [bold],throughput_rps,at least 100,205.766,154.305,274.388,confirmed,asyncpg_async,run
order,somebody,psycopg2 above asyncpg,throughput_rps,psycopg2_sync > asyncpg_async,0.501678,0.390961,0.643749,refuted,\
psycopg2_sync / asyncpg_async,run
absent,somebody,databases has 100 requests/s,throughput_rps,90 .. 110,,,,not tested,\
"databases_async names no cell; there are: psycopg2_sync, asyncpg_async",run
"""


def test_the_file_has_a_row_for_each_claim() -> None:
    """What is not known is empty, and no claim can be taken for a formula."""
    tables = csv_tables.as_text(csv_tables.tables(Origin("run"), model.Load(), analysis.of(outcome(THREE, *STATED))))
    assert tables["claims.csv"] == ROWS


def test_a_stored_run_is_ruled_on_again(tmp_path: Path) -> None:
    """From plan.json and the rounds' files alone come the rulings that the run itself made."""
    settings = Plan.model_validate(
        {
            "matrix": {"scenarios": ["point_read"], "services": [SLOW, FAST]},
            "claims": [one.model_dump() for one in STATED],
        }
    )
    cells = matrix.cells(settings)
    made = Outcome(settings.verdict, cells, claims=settings.claims)
    (tmp_path / "plan.json").write_text(json.dumps({"plan": settings.model_dump()}))
    for one in cells:
        for number, count in enumerate({SLOW: (1000, 1100, 1000), FAST: (1800, 2200, 2200)}[one.service], 1):
            measurement = measured(count, users=1000, users_asked=1000)
            made.add(one, measurement)
            _store(tmp_path / "rounds" / f"{number:02d}" / one.slug, measurement)
    assert rulings_of(stored.outcome(tmp_path)) == rulings_of(made)
    assert [one.ruling for one in rulings_of(made)] == ["refuted", "confirmed", "refuted", "not tested"]


def _store(place: Path, measurement: Measurement) -> None:
    """As a run leaves it: samples that end within a window of 10 s, and the evidence."""
    place.mkdir(parents=True)
    start_ns = pl.lit(5 * 10**9, pl.Int64)
    measurement.samples.with_columns(intended_ns=start_ns, start_ns=start_ns).write_parquet(place / "samples.parquet")
    facts = {"start_ns": 0, "end_ns": 10**10, "users": 1000, "evidence": measurement.evidence.as_dict()}
    (place / "window.json").write_text(json.dumps(facts))


def test_a_round_that_is_left_out_of_one_arm_is_left_out_of_the_ratio_only() -> None:
    """The other rounds are paired as they were; the other arm's own mean has all of its rounds."""
    disturbed: dict[str, Any] = {"machine": {"strangers": 0.5}}
    slow = [*rates(100, 110), *rates(500, **disturbed), *rates(100)]
    fast = rates(180, 220, 1000, 220)
    found = ruled(outcome({SLOW: slow, FAST: fast}, ratio_claim(at_least=1)))
    assert (found.measured, found.ci_low) == pytest.approx((1.993311, 1.553400), rel=1e-5)
    alone = ruled(outcome({SLOW: slow}, claim(cell={"service": SLOW}, at_least=1)))
    assert alone.measured == pytest.approx(1_100_000 ** (1 / 3))


def test_arms_without_a_round_in_common_have_no_ratio() -> None:
    """Each was disturbed where the other was not."""
    disturbed: dict[str, Any] = {"machine": {"strangers": 0.5}}
    slow = [*rates(100, 100, 100), *rates(100, 100, 100, **disturbed)]
    fast = [*rates(100, 100, 100, **disturbed), *rates(100, 100, 100)]
    found = ruled(outcome({SLOW: slow, FAST: fast}, ratio_claim(at_least=1)))
    assert (found.measured, found.ruling) == (None, "undecided")
    assert "no round counts for both cells" in found.why


def test_a_cell_that_is_not_judged_tests_no_claim() -> None:
    """The plan has looser thresholds than others."""
    made = outcome(THREE, ratio_claim(at_least=1))
    loose = Outcome(model.Thresholds(strangers=0.5), made.cells, claims=made.claims)
    for one, measurements in made.measured.items():
        loose.add_all(one, measurements)
    found = ruled(loose)
    assert (found.ruling, found.measured) == (Finding.NOT_TESTED, None)
    assert "asyncpg_async UNJUDGED: the plan loosens the thresholds" in found.why
