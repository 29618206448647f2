"""A chart as a file of its own."""

from xml.etree import ElementTree

import pytest

from bench.analysis import analysis
from bench.report import answer
from bench.report.html import picture
from bench.report.html.charts import ratios
from tests.unit.analysis.outcome_of import outcome

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("dark", "ink"), [(False, "#1b1f24"), (True, "#e6e9ec")])
def test_a_picture_is_whole_and_has_the_colours_of_a_page(*, dark: bool, ink: str) -> None:
    """It is XML, has a title, and the last value of each colour is that of the scheme."""
    [found] = analysis.of(outcome()).rankings
    chart = ratios.chart(answer.of(found))
    assert chart is not None
    root = ElementTree.fromstring(picture.standalone(chart, dark=dark))  # noqa: S314  # our own
    assert root.tag == f"{SVG}svg"
    title, style = root.find(f"{SVG}title"), root.find(f"{SVG}style")
    assert title is not None
    assert title.text == "point_read: times psycopg2_sync"
    assert style is not None
    assert style.text is not None
    assert style.text.rindex(f"--ink: {ink};") == style.text.rindex("--ink: ")
