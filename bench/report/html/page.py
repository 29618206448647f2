"""A run's page: facts in, HTML out. Pure; everything from outside is escaped by the template."""

from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from bench.analysis.analysis import Analysis, Ranking
from bench.analysis.verdict import Judgement
from bench.report import answer
from bench.report import beside as beside_each_other
from bench.report.answer import ScenarioAnswer
from bench.report.html import sections
from bench.report.html.charts import beside, ratios
from bench.report.html.charts.figure import Chart
from bench.report.html.sections import RunFacts
from suite import catalogue

TEMPLATES = Path(__file__).parent / "templates"


def page(facts: RunFacts, found: Analysis) -> str:
    """The whole document."""
    return (
        environment()
        .get_template("report.html")
        .render(
            facts=facts,
            cautions=catalogue.cautions(one.cell.service for one in found.results),
            answers=[_answer(one) for one in found.rankings],
            verdicts=counted([one.verdict.name for one in found.results]),
            sections=sections.of(facts, found),
        )
    )


def _answer(found: Ranking) -> tuple[ScenarioAnswer, Chart | None, list[str]]:
    """With its picture. Of only two cells that is every metric, with a sentence for each."""
    said = answer.of(found)
    if len(said.contrasts) != 1 or not said.contrasts[0].known:
        return said, ratios.chart(said), []
    [contrast] = said.contrasts
    lines = beside_each_other.of(found, contrast)
    return said, beside.chart(said.scenario, contrast, lines), [one.sentence for one in lines]


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
    made.filters["marked"] = catalogue.marked
    made.globals["style"] = Markup((TEMPLATES / "style.css").read_text())  # noqa: S704  # a file of this package
    return made


def counted(names: Sequence[str]) -> str:
    """How many cells have which verdict, from the verdicts of all."""
    return ", ".join(f"{names.count(name)} {name}" for name in Judgement if name in names)
