"""What all charts share."""

from matplotlib.figure import Figure

from bench.report.html.charts.figure import drawn
from tests.stored_run import HOSTILE
from tests.unit.report.outline import Outline


def test_a_chart_escapes_its_names() -> None:
    """In title, description and the text that matplotlib draws; a dollar sign is no formula."""

    def draw(figure: Figure) -> None:
        figure.subplots().set_title(f"{HOSTILE} $x^2$")

    chart = drawn(HOSTILE, HOSTILE, 2.0, draw)
    outline = Outline(chart.svg)
    assert (outline.of("img"), outline.wrong, outline.text.count(HOSTILE)) == ([], [], 3)
    assert "$x^2$" in outline.text
