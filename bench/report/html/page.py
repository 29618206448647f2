"""A run's page: facts in, HTML out. Pure; everything from outside is escaped by the template."""

from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from bench.analysis.analysis import Analysis
from bench.analysis.verdict import Judgement
from bench.report import answer
from bench.report.html import sections
from bench.report.html.charts import ratios
from bench.report.html.sections import RunFacts

TEMPLATES = Path(__file__).parent / "templates"


def page(facts: RunFacts, found: Analysis) -> str:
    """The whole document."""
    return (
        environment()
        .get_template("report.html")
        .render(
            facts=facts,
            answers=[(one, ratios.chart(one)) for one in map(answer.of, found.rankings)],
            verdicts=counted([one.verdict.name for one in found.results]),
            sections=sections.of(facts, found),
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
    return ", ".join(f"{names.count(name)} {name}" for name in Judgement if name in names)
