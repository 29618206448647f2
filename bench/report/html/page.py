"""A run's page: what was read of it in, HTML out. Pure; everything from outside is escaped by the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import polars as pl
from markupsafe import Markup

from bench.analysis import rulings, sweeps
from bench.analysis.outcome import CellResult, Outcome, ranked
from bench.analysis.recorded.timeline import Row
from bench.analysis.summary import SAMPLES_BEYOND, Measurement
from bench.plan.model import Plan
from bench.report import csv_tables
from bench.report.html import answer, tables
from bench.report.html.charts import over_time, percentiles, ranking, sweep, timeline
from bench.report.html.charts.figure import Chart
from bench.report.html.charts.percentiles import Curve
from bench.report.html.series import OverTime
from bench.report.html.tables import Table
from bench.report.terminal.ranking import targets_named
from suite import catalogue

TEMPLATES = Path(__file__).parent / "templates"
MOST_CELLS = 60  # of which charts over time are drawn


@dataclass(frozen=True)
class Facts:
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
    timelines: Sequence[tuple[str, int, Sequence[Row]]]
    resumed: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page: `folded` tables and `lines` (under `lines_title`) are shown when asked for."""

    key: str
    title: str
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = ()
    lines: Sequence[str] = ()
    lines_title: str = ""
    commands: Sequence[str] = ()


def page(facts: Facts, outcome: Outcome) -> str:
    """The whole document."""
    return (
        environment()
        .get_template("report.html")
        .render(
            facts=facts,
            answers=answer.sentences(outcome.ordered()),
            verdicts=counted([one.verdict.name for one in outcome.results.values()]),
            sections=[one for one in _sections(facts, outcome) if one is not None],
        )
    )


def environment() -> jinja2.Environment:
    """Templates that escape everything but charts."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["svg"] = lambda chart: Markup(chart.svg)  # noqa: S704  # built by charts/figure.py, which escapes
    made.globals["style"] = Markup((TEMPLATES / "style.css").read_text())  # noqa: S704  # a file of this package
    return made


def counted(names: Sequence[str]) -> str:
    """How many cells have which verdict, from the verdicts of all."""
    return ", ".join(f"{names.count(name)} {name}" for name in ("VALID", "FLOOR", "INVALID") if name in names)


def _sections(facts: Facts, outcome: Outcome) -> list[Section | None]:
    results = outcome.ordered()
    by_scenario = [
        [one for one in results if one.cell.scenario == name]
        for name in dict.fromkeys(one.cell.scenario for one in results)
    ]
    return [
        _ranking(by_scenario),
        _throughput(by_scenario, outcome),
        _latency(by_scenario, facts, outcome),
        _over_time(facts),
        _costs(results),
        _sweeps(results),
        _timelines(facts),
        _claims(outcome),
        _parity(outcome),
        _environment(facts),
    ]


def _ranking(by_scenario: Sequence[Sequence[CellResult]]) -> Section:
    shown = [tables.ranking(mine) for mine in by_scenario]
    ratios = [table for mine in by_scenario if (table := tables.contrasts(mine))]
    lines = [line for mine in by_scenario for line in tables.reasons(mine)]
    notes = [f"{mine[0].cell.scenario}: {catalogue.scenario(mine[0].cell.scenario).summary}" for mine in by_scenario]
    notes += targets_named([one for mine in by_scenario for one in mine])
    title = "Reasons for verdicts, and what each cell was bound by"
    return Section("ranking", "Ranking", notes, (), shown, ratios, lines, title)


def _throughput(by_scenario: Sequence[Sequence[CellResult]], outcome: Outcome) -> Section:
    charts: list[Chart] = []
    for mine in by_scenario:
        first = ranked(mine)
        cells = [*first, *(one for one in mine if one not in first and not one.cell.once and one.total.requests)]
        rows = [row for row in csv_tables.ceiling_rows(mine, outcome.ceilings) if row["service"] in _slugs(cells)]
        lines = {}
        for row in rows:
            if row["no_database_rps"]:
                lines["without a database"] = float(row["no_database_rps"])
            if row["pgbench_rps"]:
                lines[f"pgbench, {row['pgbench_connections']} connections"] = float(row["pgbench_rps"])
        if cells:
            charts.append(ranking.throughput(mine[0].cell.scenario, cells, lines))
        if chart := ranking.cpu(mine[0].cell.scenario, cells):
            charts.append(chart)
    ceilings = tables.ceilings(csv_tables.ceiling_rows(outcome.ordered(), outcome.ceilings))
    return Section("throughput", "Throughput and CPU time", (), charts, (), [ceilings] if ceilings else [])


def _slugs(cells: Sequence[CellResult]) -> set[str]:
    return {one.cell.slug for one in cells}


def _latency(by_scenario: Sequence[Sequence[CellResult]], facts: Facts, outcome: Outcome) -> Section:
    charts: list[Chart] = []
    for mine in by_scenario:
        found = {one.cell.slug: curve(outcome.measured[one.cell]) for one in mine}
        known = {slug: one for slug, one in found.items() if one is not None}
        charts += percentiles.charts(mine[0].cell.scenario, known) if known else []
    charts += [chart for one in facts.over_time if (chart := over_time.heat(one))]
    notes = [
        f"Successful requests only, from when each was due. A percentile needs {SAMPLES_BEYOND} slower requests.",
        "In a heat map, darker is more requests; what lies left of the dashed line is ramp-up and warm-up.",
    ]
    pings = tables.pings([one for mine in by_scenario for one in mine])
    return Section("latency", "Latency", notes, charts, [pings] if pings else [])


def curve(measured: Sequence[Measurement]) -> Curve | None:
    """Of the successes of all windows of a cell; None where too few are known."""
    frames = [one.samples.filter(pl.col("ok"))["latency_ns"] for one in measured if len(one.samples)]
    if not frames:
        return None
    ascending_ms = np.sort(np.concatenate([one.to_numpy() for one in frames])) / 1e6
    return percentiles.curve(ascending_ms, SAMPLES_BEYOND)


def _over_time(facts: Facts) -> Section | None:
    if not facts.over_time:
        return None
    notes = ["One round of each cell; left of the dashed line is ramp-up and warm-up, which does not count."]
    return Section("over-time", "Over time", notes, [over_time.aligned(one) for one in facts.over_time])


def _costs(results: Sequence[CellResult]) -> Section | None:
    table = tables.costs(results)
    if table is None:
        return None
    notes = [
        "Round trips and statements as verification counted them on the wire and in pg_stat_statements.",
        "Transactions from pg_stat_database while measuring. What the driver or the pool adds is included.",
    ]
    return Section("costs", "Round trips, statements and transactions per request", notes, (), [table])


def _sweeps(results: Sequence[CellResult]) -> Section | None:
    groups: dict[tuple[str, str], list[sweeps.Curve]] = {}
    for scenario in dict.fromkeys(one.cell.scenario for one in results):
        for one in sweeps.curves([one for one in results if one.cell.scenario == scenario]):
            groups.setdefault((scenario, one.axis), []).append(one)
    if not groups:
        return None
    lines = [f"{one.name}: {why}" for group in groups.values() for one in group if (why := sweeps.knee(one).why)]
    return Section("sweeps", "Sweeps", lines, [sweep.chart(group) for group in groups.values()])


def _timelines(facts: Facts) -> Section | None:
    charts = [timeline.chart(slug, number, rows) for slug, number, rows in facts.timelines if rows]
    return Section("timelines", "Request timelines", (), charts) if charts else None


def _claims(outcome: Outcome) -> Section | None:
    if not outcome.claims:
        return None
    return Section("claims", "Published claims", (), (), [tables.claims(rulings.rule(outcome))])


def _parity(outcome: Outcome) -> Section | None:
    if not outcome.parity:
        return None
    differing = tables.parity(outcome.parity, differing=True)
    notes = () if differing.rows else ("Nothing was seen that differs between services beyond what the plan asks for.",)
    every = tables.parity(outcome.parity, differing=False)
    return Section("parity", "Parity of the services", notes, (), [differing] if differing.rows else [], [every])


def _environment(facts: Facts) -> Section:
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
    return Section("environment", "Environment, and how to repeat it", (), (), (), folded, commands=[facts.command])
