"""Summaries as files and as a table for the terminal. Pure: from stored numbers to text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import catalogue, ceilings, counts, pairs, sweep_table
from bench import outcome as outcomes
from bench.analysis import LOCUST_PERCENTILES, SUMMARY_COLUMNS, OperationSummary
from bench.intervals import half_width
from bench.outcome import Ceilings, CellResult
from bench.pairs import Pair
from bench.plan import Load
from bench.wording import number, within
from services.contract.operations import OPERATIONS

SUMMARY = (
    "run_id", "scenario", "operation", "service", "profile", "server", "workers", "pool_size", "parameters",
    "arrival", "users", "offered_rps", "rounds", "requests", "failures", "failure_ratio", "throughput_rps",
    "throughput_ci_low", "throughput_ci_high", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms",
    "latency_p95_ms", "latency_p99_ms", "latency_p999_ms", "latency_max_ms", "missed_arrivals",
    "service_cpu_ms_per_request", "database_cpu_ms_per_request", "load_cpu_ms_per_request", "service_rss_peak_mb",
    "statements_per_request", "round_trips_per_request", "transactions_per_request", "connections_peak",
    "idle_in_transaction_peak", "bound_by", "verdict", "reasons",
)  # fmt: skip

READ_MANY = 20  # the scenario's own default

COMPARISON = tuple(field.name for field in fields(Pair))
CEILINGS = (
    "scenario", "service", "throughput_rps", "no_database_rps", "of_no_database", "pgbench_connections", "pgbench_rps",
    "of_pgbench",
)  # fmt: skip

LOCUST_COLUMNS = (
    "Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
    "Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
)  # fmt: skip


def summary_rows(run_id: str, load: Load, results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of summary.csv: one a cell and operation. What is not known is None."""
    return [_summary_row(run_id, load, result, operation) for result in results for operation in result.operations]


def _summary_row(run_id: str, load: Load, result: CellResult, operation: OperationSummary) -> dict[str, Any]:
    cell, setup = result.cell, result.cell.setup
    interval = operation.throughput_interval or (None, None)
    calls = "synchronize_note" in catalogue.scenario(cell.scenario).operations
    more = [
        ("database_rtt_ms", setup.database_rtt_ms),
        ("external_delay_s", setup.external_delay_s if calls else None),
        ("arm", setup.arm or None),
    ]
    arm = [(name, value) for name, value in more if value is not None]
    own = [("pool_overflow", setup.pool_overflow), ("pool_timeout_s", setup.pool_timeout_s), ("threads", setup.threads)]
    if setup.url:  # how it runs is not known
        own, arm = [], [("arm", setup.arm)] if setup.arm else []
    return {
        "run_id": run_id,
        "scenario": cell.scenario,
        "service": cell.service,
        **{name: setup.axes.get(name) for name in ("profile", "server", "workers", "pool_size")},
        "parameters": ";".join(f"{name}={value}" for name, value in (*own, *arm, *cell.parameters)),
        "arrival": load.arrival,
        "users": cell.users,
        "offered_rps": load.rate if load.arrival == "open" else None,
        "rounds": result.rounds,
        "throughput_ci_low": interval[0],
        "throughput_ci_high": interval[1],
        "missed_arrivals": result.missed if load.arrival != "closed" and operation.operation == "all" else None,
        "bound_by": result.bound.by or None,
        **_costs(result, operation),
        "verdict": result.verdict.name,
        "reasons": "; ".join((*result.verdict.reasons, *result.remarks, *_bounded(result))),
        **{name: getattr(operation, name) for name in SUMMARY_COLUMNS},
    }


def _costs(result: CellResult, operation: OperationSummary) -> dict[str, float | None]:
    """What the gate has verified: round trips and statements of a request; of `all`, on average over its requests."""
    cell, parts = result.cell, result.operations[1:] if operation.operation == "all" else (operation,)
    requests = sum(one.requests for one in parts)
    if not result.counted or not requests or cell.setup.url:
        return {}
    service = catalogue.service(cell.service)
    own = dict(cell.parameters)
    reads = int(own.get("count", READ_MANY))
    costs = [
        (one.requests, counts.expected(service, cell.setup.profile, one.operation, _variant(one.operation, own), reads))
        for one in parts
    ]
    return {
        "round_trips_per_request": sum(number * cost.round_trips for number, cost in costs) / requests,
        "statements_per_request": sum(number * (cost.statements or 0) for number, cost in costs) / requests,
    }


def _variant(operation: str, parameters: Mapping[str, Any]) -> str | None:
    """Which variant of an operation a scenario with these parameters asks for; its own default is the first one."""
    known = OPERATIONS[operation]
    return str(parameters.get(known.varies or "", next(iter(known.variants)))) if known.variants else None


def _bounded(result: CellResult) -> tuple[str, ...]:
    return (f"bound by {result.bound.by}: {result.bound.evidence}",) if result.bound.by else ()


def locust_rows(samples: pl.DataFrame, length_s: float) -> list[dict[str, Any]]:
    """Rows of a `_stats.csv` in Locust's layout, from exact samples: one an operation, then Aggregated.

    As in Locust's own, times (ms) and percentiles are over all requests, failed ones included.
    """
    names = sorted(samples["operation"].unique())
    parts = [(_method(name), name, samples.filter(pl.col("operation") == name)) for name in names]
    return [_locust_row(*part, length_s) for part in (*parts, ("", "Aggregated", samples))]


def _method(operation: str) -> str:
    return OPERATIONS[operation].method if operation in OPERATIONS else "GET"


def _locust_row(method: str, name: str, frame: pl.DataFrame, length_s: float) -> dict[str, Any]:
    times_ms = frame["latency_ns"].sort() / 1e6
    count, failures = len(frame), int((~frame["ok"]).sum())
    if not count:
        return dict(zip(LOCUST_COLUMNS, [method, name, 0, 0], strict=False))
    # Every percentile that Locust's layout has a column for, exact or not: rank rounded up, without a minimum.
    ranks = [times_ms[max(0, -int(-share * count // 1) - 1)] for share in LOCUST_PERCENTILES]
    figures = [times_ms.median(), times_ms.mean(), times_ms.min(), times_ms.max(), frame["body_bytes"].mean()]
    return dict(
        zip(
            LOCUST_COLUMNS,
            [method, name, count, failures, *figures, count / length_s, failures / length_s, *ranks],
            strict=True,
        )
    )


def ranking(results: Sequence[CellResult], scenario: str, known: Ceilings | None = None) -> RenderableType:
    """One scenario's cells, the highest throughput first (open load: the lowest latency); a sweep as its curves.

    Below a line is what is not ranked, and what went wrong.
    """
    mine = [result for result in results if result.cell.scenario == scenario]
    paced, ranked = outcomes.paced(mine), outcomes.ranked(mine)
    others = [one for one in mine if one not in ranked]
    best = _throughput(ranked[0]) if ranked and not paced else 0.0
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("service", overflow="fold")
    timed = ("p50 ms", "p99 ms", "uncorrected p99") if paced else ("of best", "p50 ms", "p99 ms")
    for heading in ("requests/s", "95% CI", *timed, "CPU ms", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in ranked:
        table.add_row(*_table_row(result, best, paced=paced))
    if ranked and others:
        table.add_section()
    for result in others:
        table.add_row(*_table_row(result, best if result.verdict.ranks else 0.0, paced=paced), style="dim")
    title = Text.assemble((scenario, "bold"), " - ", catalogue.scenario(scenario).summary)
    curves = [] if paced else sweep_table.parts(mine)
    parts: list[RenderableType] = [title, *(curves or [table]), *_notes(mine)]
    contrasts, left_out = pairs.shown([one for one in pairs.compare(mine) if one.operation == "all"], mine)
    if any(one.ratio is not None for one in contrasts):
        parts.append(_comparisons(contrasts, LATENCIES if paced else RATES))
        if left_out:
            parts.append(
                Text(f"{left_out} more pairs, of one service in two settings, are in comparison.csv", style="dim")
            )
    elif contrasts:
        parts.append(Text(f"no comparison: {contrasts[0].why}", style="dim"))
    if not paced:
        parts += _ceilings(ranked, mine, known or Ceilings())
    return Group(*parts)


def _notes(mine: Sequence[CellResult]) -> list[Text]:
    """In words: what speaks against a cell, what failed, what a reader must know of the table."""
    notes = []
    for one in mine:
        slug, style = one.cell.slug, "yellow" if one.verdict.name == "FLOOR" else "red"
        notes += [Text(f"{slug}: {reason}", style=style) for reason in one.verdict.reasons]
        notes += [Text(f"{slug}: {remark}") for remark in one.remarks]
        notes += [Text(f"{slug}: {count} x {error}", style="red") for error, count in one.errors[:3]]
        if one.missed:
            notes.append(Text(f"{slug}: {one.missed:,} arrivals were due and never sent", style="red"))
        if one.total.ping_p50_ms is not None:
            median, worst = one.total.ping_p50_ms, one.total.ping_max_ms
            notes.append(Text(f"{slug}: GET /ping beside it: {median:,.1f} ms (median), {worst:,.0f} ms (worst)"))
        if one.reconnects:
            notes.append(Text(f"{slug}: {one.reconnects:,} connections that the service had closed were opened again"))
    notes += [Text(f"{one.cell.slug}: {pairs.SAME}", style="dim") for one in mine if one.cell.arm]
    bounds = {one.bound.by: one for one in reversed(mine) if one.bound.by}
    notes += [Text(f"bound by {by}, {one.cell.slug}: {one.bound.evidence}", style="dim") for by, one in bounds.items()]
    notes += [Text(line, style="dim") for line in targets_named(mine)]
    if any(one.cell.once for one in mine):
        notes.append(Text("below the line: measured once, as a landmark, not ranked", style="dim"))
    return notes


def targets_named(mine: Sequence[CellResult]) -> list[str]:
    """What a reader must know of each target among these cells, once."""
    setups = [one.cell.setup for one in mine if one.cell.setup.url]
    unknown = "CPU time, memory, round trips, pool and parity are not known"
    lines = [
        f"{one.service}{one.title and f' ({one.title})'}: a target at {one.url}, no service of the suite; {unknown}"
        for one in setups
    ]
    return list(dict.fromkeys(lines))


RATES = {"throughput_rps": "requests/s", "latency_p99_ms": "p99", "service_cpu_ms_per_request": "CPU per request"}
LATENCIES = {"latency_p50_ms": "p50", "latency_p99_ms": "p99", "service_cpu_ms_per_request": "CPU per request"}


def _comparisons(contrasts: Sequence[Pair], titles: Mapping[str, str]) -> Table:
    """Each pair of cells in a row, with the intervals that hold for all of them together."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("ratio (95% CI of all together)", overflow="fold")
    for title in titles.values():
        table.add_column(title, no_wrap=True)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in contrasts:
        rows.setdefault((one.candidate, one.baseline), {})[one.metric] = _contrast(one)
    for (candidate, baseline), cells in rows.items():
        names = (within(contrasts[0].scenario, slug) for slug in (candidate, baseline))
        table.add_row(" / ".join(names), *(cells.get(metric, "") for metric in titles))
    return table


def _contrast(pair: Pair) -> str:
    if pair.ratio is None:
        return pair.conclusion
    # Two rounds that differ much leave next to nothing known.
    high = "over 1000" if pair.ci_high and pair.ci_high > 1000 else f"{pair.ci_high or 0:.2f}"
    interval = f" ({pair.ci_low:.2f} .. {high})" if pair.ci_low and pair.ci_high else ""
    same = f"\n{pair.conclusion}" if pair.conclusion == pairs.NONE_SHOWN else ""
    return f"{pair.ratio:.2f}{interval}{same}"


def _ceilings(ranked: Sequence[CellResult], mine: Sequence[CellResult], known: Ceilings) -> list[Text]:
    """Each service as a share of what is possible without a database, and of what PostgreSQL does alone."""
    lines = []
    for landmark in mine:
        if landmark.cell.once and landmark.verdict.ranks and _throughput(landmark):
            rps = _throughput(landmark)
            shares = ", ".join(f"{one.cell.slug} {_throughput(one) / rps:.0%}" for one in ranked)
            lines.append(f"{landmark.cell.slug} (the same load) {rps:,.0f} requests/s: {shares}")
    alone = {one.cell.slug: known.pgbench_rps.get(ceilings.of(one.cell)) for one in ranked}
    for rps in dict.fromkeys(filter(None, alone.values())):
        measured = [one for one in ranked if alone[one.cell.slug] == rps]
        connections = measured[0].cell.setup.connections
        shares = ", ".join(f"{one.cell.slug} {_throughput(one) / rps:.0%}" for one in measured)
        lines.append(f"pgbench (the same SQL on {connections} connections) {rps:,.0f} requests/s: {shares}")
    return [Text(line) for line in lines]


def comparison_rows(results: Sequence[CellResult]) -> list[dict[str, Any]]:
    """Rows of comparison.csv."""
    return [asdict(pair) for pair in pairs.compare(results)]


def ceiling_rows(results: Sequence[CellResult], known: Ceilings) -> list[dict[str, Any]]:
    """Rows of ceilings.csv: each cell's throughput beside those of the same load without a database, and of pgbench."""
    rows = []
    for one in results:
        scenario, setup = one.cell.scenario, one.cell.setup
        landmark = next((other for other in results if other.cell.once and other.cell.scenario == scenario), None)
        http_rps = _throughput(landmark) if landmark and landmark is not one else 0.0
        sql_rps = known.pgbench_rps.get(ceilings.of(one.cell), 0.0)
        mine = _throughput(one)
        rows.append(
            {
                "scenario": scenario,
                "service": one.cell.slug,
                "throughput_rps": mine or None,
                "no_database_rps": http_rps or None,
                "of_no_database": mine / http_rps if http_rps else None,
                "pgbench_connections": setup.connections if sql_rps else None,
                "pgbench_rps": sql_rps or None,
                "of_pgbench": mine / sql_rps if sql_rps else None,
            }
        )
    return rows


def _table_row(result: CellResult, best: float, *, paced: bool) -> list[str]:
    total = result.total
    p50, p99 = (number(value, ",.1f") for value in (total.latency_p50_ms, total.latency_p99_ms))
    of_best = f"{_throughput(result) / best:.0%}" if best else ""
    return [
        within(result.cell.scenario, result.cell.slug),
        number(total.throughput_rps, ",.0f"),
        half_width(total.throughput_interval),
        *((p50, p99, number(total.service_time_p99_ms, ",.1f")) if paced else (of_best, p50, p99)),
        number(total.service_cpu_ms_per_request, ".3f"),
        f"{total.failures:,}",
        result.bound.by,
        result.verdict.name,
    ]


def _throughput(result: CellResult) -> float:
    return result.total.throughput_rps or 0.0
