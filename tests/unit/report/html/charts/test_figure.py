"""What all charts share."""

import os
import subprocess
import sys
from itertools import pairwise

from matplotlib.figure import Figure

from bench.report.html.charts.figure import INK, drawn, inline, look, pointed
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


def test_a_user_without_a_home_hears_nothing_of_it() -> None:
    """Matplotlib keeps its list of fonts elsewhere."""
    code = """
from bench.report.html.charts.figure import drawn
drawn("a", "b", 2.0, lambda figure: figure.subplots().set_title("c"))
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    drawing = [sys.executable, "-c", code]
    done = subprocess.run(drawing, env=kept | {"HOME": "/proc/none"}, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_the_first_24_things_look_different() -> None:
    """In colour, line and mark together; neighbours differ in each of the three."""
    looks = [look(number) for number in range(24)]
    assert len(set(looks)) == 24
    for one, other in pairwise(looks[:6]):
        assert one.color != other.color
        assert one.linestyle != other.linestyle
        assert one.marker != other.marker


def test_a_file_becomes_an_element_with_ids_of_its_own() -> None:
    """Ids that nothing refers to go, and so do comments, styles and the file's own size; stand-ins become variables."""
    body = (
        f'<!-- made --><style>*{{}}</style><path id="p" style="stroke: {INK}"/><use xlink:href="#p"/><g id="unused"/>'
    )
    svg = inline(f'<?xml?><svg width="9pt" viewBox="0 0 9 9">{body}</svg>', "A & B", "words")
    key = svg.partition('aria-labelledby="t')[2][:10]
    assert svg == (
        f'<svg role="img" aria-labelledby="t{key}" aria-describedby="d{key}" viewBox="0 0 9 9">'
        f'<title id="t{key}">A &amp; B</title><desc id="d{key}">words</desc>'
        f'<path id="c{key}-p" style="stroke: currentColor"/><use href="#c{key}-p"/><g/></svg>'
    )


def test_a_value_is_shown_where_it_is_pointed_at() -> None:
    """As an element's title, which browsers show without a script; text from outside stays text."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        pointed(axes.plot([1, 2], [3, 4]), 'x < "y" & z')
        pointed(axes.barh([0], [1]), "a bar")

    svg = drawn("t", "d", 2.0, draw).svg
    assert svg.count("<title>") == 2
    assert "<g><title>x &lt; 'y' &amp; z</title>" in svg
    assert "<g><title>a bar</title>" in svg
    assert "hover:" not in svg
