"""The sections of a run's page, below its answer: facts in, tables and charts out. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from bench.analysis import parity, sweeps
from bench.analysis.analysis import Analysis, Ceiling, Ranking
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import CellResult
from bench.analysis.pairing.families import Family
from bench.analysis.profiling.profile import CellProfile
from bench.analysis.recorded.timeline import TimelineRow
from bench.analysis.rulings import Ruling
from bench.analysis.summary import SAMPLES_BEYOND
from bench.plan.model import Plan
from bench.plan.note import Kind
from bench.report import layers
from bench.report.html import series, tables
from bench.report.html.charts import flame, over_time, percentiles, ranking, sweep, timeline
from bench.report.html.charts.figure import Chart
from bench.report.html.charts.percentiles import Curve
from bench.report.html.series import Limits, OverTime
from bench.report.html.tables import PageTable
from suite.catalogue import marked

OF_ALL = {Kind.EXAMPLE, Kind.TARGET, Kind.LEDGER}
MOST_CELLS = 60  # of which charts over time are drawn


@dataclass(frozen=True)
class RunFacts:
    """What a run's files say beside its measurements. `state`, `why` and `resumed` are those of status.json."""

    run_id: str
    plan: Plan
    plan_name: str
    state: str
    why: str
    at: str
    environment: Mapping[str, Any]
    command: str
    over_time: Sequence[OverTime]
    timelines: Sequence[tuple[str, int, Sequence[TimelineRow]]]
    resumed: Sequence[str] = ()


@dataclass(frozen=True)
class PageSection:
    """A part of the page: `folded` tables and `lines` (under `lines_title`) are shown when asked for.

    `wide`: its charts have the whole width.
    """

    key: str
    title: str
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[PageTable] = ()
    folded: Sequence[PageTable] = ()
    lines: Sequence[str] = ()
    lines_title: str = ""
    commands: Sequence[str] = ()
    wide: bool = False


def of(facts: RunFacts, found: Analysis) -> list[PageSection]:
    """All of a run's page, in their order."""
    every = [
        _ranking(found),
        _throughput(found),
        _latency(facts, found),
        _over_time(facts, found),
        *_layers(found.profiles),
        _costs(found.results),
        _sweeps(found.rankings),
        _timelines(facts),
        _claims(found.rulings),
        _parity(found.parity),
        _environment(facts),
    ]
    return [one for one in every if one is not None]


def _ranking(found: Analysis) -> PageSection:
    shown = [table for one in found.rankings for table in (tables.ranking(one), *_ratios(one))]
    folded = [table for one in found.rankings for table in _more_ratios(one)]
    lines = [line for one in found.rankings for line in tables.reasons(one.notes)]
    notes = [f"{one.scenario}: {one.summary}" for one in found.rankings if one.summary]
    of_all = (note for one in found.rankings for note in one.notes if note.kind in OF_ALL)
    notes += map(str, dict.fromkeys(of_all))
    title = "Reasons for verdicts, and what each cell was bound by"
    return PageSection("ranking", "Ranking", notes, (), shown, folded, lines, title)


def _ratios(one: Ranking) -> list[PageTable]:
    """The ratios that a reader sees first."""
    table = tables.contrasts(one, one.shown)
    return [table] if table else []


def _more_ratios(one: Ranking) -> list[PageTable]:
    """Those of all pairs, where the first are those with the baseline."""
    table = tables.contrasts(one, Family.ALL) if one.shown is Family.BASELINE else None
    return [table] if table else []


def _throughput(found: Analysis) -> PageSection:
    charts: list[Chart] = []
    for one in found.rankings:
        cells = [*one.ranked, *(other for other in one.others if not other.cell.once and other.total.requests)]
        slugs = {result.cell.slug for result in cells}
        if cells:
            limits = _ceiling_lines([row for row in one.ceilings if row.service in slugs])
            charts.append(ranking.throughput(one.scenario, cells, limits))
        if chart := ranking.cpu(one.scenario, cells):
            charts.append(chart)
    ceilings = tables.ceilings(found.ceilings)
    return PageSection("throughput", "Throughput and CPU time", (), charts, (), [ceilings] if ceilings else [])


def _ceiling_lines(rows: Sequence[Ceiling]) -> dict[str, float]:
    """What is drawn through all cells of a chart, in requests/s: a ceiling that all of them have."""
    limits = {}
    if len(bare := {row.no_database_rps for row in rows}) == 1 and (rps := bare.pop()):
        limits["without a database"] = rps
    if len(alone := {(row.pgbench_connections, row.pgbench_rps) for row in rows}) == 1:
        connections, rps = alone.pop()
        limits |= {f"pgbench, {connections} connections": rps} if rps else {}
    return limits


def _latency(facts: RunFacts, found: Analysis) -> PageSection:
    charts: list[Chart] = []
    for one in found.rankings:
        curves = {marked(result.cell.slug): curve(found.measured[result.cell]) for result in one.results}
        known = {name: drawn for name, drawn in curves.items() if drawn is not None}
        charts += percentiles.charts(one.scenario, known) if known else []
    charts += [chart for one, limits in _beside(facts, found) if (chart := over_time.heat(one, limits))]
    notes = [
        f"From when each request was due, without failed ones. A percentile needs {SAMPLES_BEYOND} slower requests.",
        "A request that never ended, or was never sent, counts with the time that it had waited.",
        "In a heat map, more contrast is more requests; what lies left of the dashed line is ramp-up and warm-up.",
    ]
    results = [result for one in found.rankings for result in one.results]
    beside = [one for one in (tables.pings(results), tables.loop_lags(results)) if one]
    return PageSection("latency", "Latency", notes, charts, beside)


def curve(measured: Sequence[Measurement]) -> Curve | None:
    """Of the latencies of all windows of a cell; None where too few are known."""
    timed = pl.col("begun") & pl.col("timed")
    frames = [one.samples.filter(timed)["latency_ns"] for one in measured if len(one.samples)]
    if not frames:
        return None
    ascending_ms = np.sort(np.concatenate([one.to_numpy() for one in frames])) / 1e6
    return percentiles.curve(ascending_ms, SAMPLES_BEYOND)


def _beside(facts: RunFacts, found: Analysis) -> Iterator[tuple[OverTime, Limits]]:
    """Each cell over time, with the axes of all cells of its scenario."""
    for scenario in found.rankings:
        slugs = {one.cell.slug for one in scenario.results}
        if together := [one for one in facts.over_time if one.slug in slugs]:
            shared = series.limits(together)
            yield from ((one, shared) for one in together)


def _over_time(facts: RunFacts, found: Analysis) -> PageSection | None:
    if not facts.over_time:
        return None
    notes = [
        "One round of each cell; left of the dashed line is ramp-up and warm-up, which does not count.",
        "All cells of a scenario have the same axes.",
    ]
    charts = [over_time.aligned(one, limits) for one, limits in _beside(facts, found)]
    return PageSection("over-time", "Over time", notes, charts)


def _layers(profiles: Sequence[CellProfile]) -> Iterator[PageSection]:
    """Of each scenario: its layers, and flame graphs of each cell."""
    for number, scenario in enumerate(dict.fromkeys(one.scenario for one in profiles)):
        mine = [one for one in profiles if one.scenario == scenario]
        known = layers.dearest_first(mine)
        notes = [
            "Time of the service, without the profiler; a layer's interval is over the rounds (95%).",
            *layers.notes(mine),
        ]
        charts = [flame.chart(one) for one in known]
        shown, folded = [tables.layers_beside(scenario, known)] if len(known) > 1 else [], []
        if len(known) == layers.PAIR:
            notes.insert(0, f"{layers.sentence(*known)}.")
            charts.insert(0, flame.difference(*known))
            shown = [tables.layers_of_two(*known)]
        of_each = [tables.layers_of_one(one) for one in known]
        if len(known) == 1:
            shown = of_each
        else:
            folded = of_each
        key = f"layers-{number + 1}" if number else "layers"
        yield PageSection(key, f"Where the CPU time goes: {scenario}", notes, charts, shown, folded, wide=True)


def _costs(results: Sequence[CellResult]) -> PageSection | None:
    table = tables.costs(results)
    if table is None:
        return None
    notes = [
        "Round trips and statements as verification counted them on the wire and in pg_stat_statements.",
        "Transactions from pg_stat_database while measuring. What the driver or the pool adds is included.",
    ]
    return PageSection("costs", "Round trips, statements and transactions per request", notes, (), [table])


def _sweeps(rankings: Sequence[Ranking]) -> PageSection | None:
    groups: dict[tuple[str, str], list[sweeps.Curve]] = {}
    for one in (curve for each in rankings for curve in each.curves):
        groups.setdefault((one.scenario, one.axis), []).append(one)
    if not groups:
        return None
    lines = [f"{marked(one.name)}: {one.knee.why}" for group in groups.values() for one in group if one.knee.why]
    return PageSection("sweeps", "Sweeps", lines, [sweep.chart(group) for group in groups.values()])


def _timelines(facts: RunFacts) -> PageSection | None:
    charts = [timeline.chart(slug, number, rows) for slug, number, rows in facts.timelines if rows]
    return PageSection("timelines", "Request timelines", (), charts) if charts else None


def _claims(rulings: Sequence[Ruling]) -> PageSection | None:
    return PageSection("claims", "Published claims", (), (), [tables.claims(rulings)]) if rulings else None


def _parity(rows: Sequence[parity.ParityRow]) -> PageSection | None:
    if not rows:
        return None
    differing = tables.parity(rows, differing=True)
    notes = () if differing.rows else ("Nothing was seen that differs between services beyond what the plan asks for.",)
    every = tables.parity(rows, differing=False)
    return PageSection("parity", "Parity of the services", notes, (), [differing] if differing.rows else [], [every])


def _environment(facts: RunFacts) -> PageSection:
    shown = {name: value for name, value in facts.environment.items() if name != "services"}
    services = {
        name: {key: value for key, value in one.items() if key != "costs"}
        for name, one in facts.environment.get("services", {}).items()
    }
    unlisted = {"claims"} if facts.plan.targets else {"claims", "targets"}
    folded = [
        tables.settings("Machine, versions and PostgreSQL", shown),
        tables.settings("Services, as each says of itself", services),
        tables.settings("The plan as it was run", facts.plan.model_dump(exclude=unlisted)),
    ]
    folded = [table for table in folded if table.rows]
    return PageSection("environment", "Environment, and how to repeat it", (), (), (), folded, commands=[facts.command])
