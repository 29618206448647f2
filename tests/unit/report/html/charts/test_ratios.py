"""How many times as much, a line a pair."""

from dataclasses import replace

from bench.analysis import analysis
from bench.analysis.outcome import Outcome
from bench.report import answer
from bench.report.html.charts import ratios
from tests.unit.analysis.outcome_of import cell, measured, outcome
from tests.unit.report.outline import Outline


def test_each_pair_has_its_ratio_of_throughput_and_of_cpu_time() -> None:
    """The title names what they are ratios to."""
    [found] = analysis.of(outcome()).rankings
    chart = ratios.chart(answer.of(found))
    assert chart is not None
    assert chart.title == "point_read: times psycopg2_sync"
    assert chart.description == "Ratios of requests/s: asyncpg_async 2.00 (2.00 to 2.00)."
    text = Outline(chart.svg).text
    assert [one for one in ("asyncpg_async", "2.00", "0.50", "times the CPU per request") if one not in text] == []


def test_without_a_baseline_the_best_is_above_the_line() -> None:
    """A line for each cell below it."""
    made = Outcome()
    for count, name in ((10_000, "psycopg2_sync"), (20_000, "asyncpg_async"), (15_000, "databases_async")):
        made.add(cell(name), measured(count))
        made.add(cell(name), measured(count + 100))
    [found] = analysis.of(made).rankings
    chart = ratios.chart(answer.of(found))
    assert chart is not None
    assert chart.title == "point_read: asyncpg_async, times each other cell"
    text = Outline(chart.svg).text
    assert [one for one in ("of psycopg2_sync", "of databases_async") if one not in text] == []


def test_without_a_ratio_there_is_no_chart() -> None:
    """One round has no interval."""
    made = Outcome()
    made.add(cell("psycopg2_sync"), measured(10_000))
    made.add(cell("asyncpg_async"), measured(20_000))
    [found] = analysis.of(made).rankings
    assert ratios.chart(answer.of(found)) is None
    assert ratios.chart(answer.of(replace(found, ranked=()))) is None
