"""Throughput and CPU time, a line a cell."""

from dataclasses import replace

from bench.analysis import analysis
from bench.report.html.charts import ranking
from tests.unit.analysis.outcome_of import outcome
from tests.unit.report.outline import Outline


def test_throughput_is_drawn_beside_its_ceilings() -> None:
    """Each cell has its figure, each ceiling its name and its figure."""
    [found] = analysis.of(outcome()).rankings
    chart = ranking.throughput("point_read", found.ranked, {"pgbench, 10 connections": 20_200.0})
    assert (chart.title, chart.description) == (
        "Throughput: point_read", "Requests per second: asyncpg_async 2,020; psycopg2_sync 1,010.",
    )  # fmt: skip
    text = Outline(chart.svg).text
    assert [one for one in ("2,020", "1,010", "pgbench, 10 connections: 20,200") if one not in text] == []
    assert "pgbench" not in ranking.throughput("point_read", found.ranked, {}).svg


def test_cpu_time_is_of_each_role() -> None:
    """A cell whose service's is not known is left out; without any, there is no chart."""
    [found] = analysis.of(outcome()).rankings
    asyncpg, psycopg2 = found.ranked
    unknown = replace(
        psycopg2, operations=(replace(psycopg2.total, service_cpu_ms_per_request=None), *psycopg2.operations[1:])
    )
    chart = ranking.cpu("point_read", [asyncpg, unknown])
    assert chart is not None
    assert chart.description == "In ms: asyncpg_async service 0.485, database 0.198, load 0.099."
    assert "psycopg2_sync" not in chart.svg
    assert ranking.cpu("point_read", [unknown]) is None


def test_a_ceiling_far_beyond_the_cells_is_named_and_does_not_stretch_the_axis() -> None:
    """The cells have all of the chart."""
    [found] = analysis.of(outcome()).rankings
    near, far = (ranking.throughput("point_read", found.ranked, {"pgbench": rps}).svg for rps in (2_500.0, 20_200.0))
    assert "pgbench: 20,200, beyond the chart" in Outline(far).text
    assert "beyond" not in Outline(near).text
    assert "20,000" not in Outline(far).text
