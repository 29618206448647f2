"""A comparison in a browser."""

import re
from html import unescape

import pytest

from bench.compare.documents import Document
from bench.report.html import change_page
from bench.report.html.page import environment
from tests.unit.compare.document_of import HOSTILE, document


@pytest.mark.parametrize("made", [document(HOSTILE), document(name=HOSTILE)], ids=["service", "run"])
def test_a_page_escapes_everything(made: Document) -> None:
    """No tag but the page's own, and a policy that allows no script."""
    page = change_page.page(made)
    assert page.count("<svg") == page.count("</svg>") == 1  # of the cell that has ratios
    assert set(re.findall(r"<(\w+)", re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))) == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "thead", "tbody", "tr", "th",
        "td", "ul", "li", "header", "main", "figure", "figcaption",
    }  # fmt: skip
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page
    assert "default-src 'none'; base-uri 'none'; form-action 'none'; style-src" in page
    assert "script-src" not in page
    assert "\x1b" not in page


def test_a_comparison_looks_as_a_run_does() -> None:
    """One head for all pages: policy, colours and style sheet; and the words of the other two ways to show it."""
    page = change_page.page(document())
    assert environment().get_template("_head.html").render(title="before \N{RIGHTWARDS ARROW} after_1") in page
    shown = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.partition("<body>")[2])))
    made = document()
    cells = [text for row in made.rows for text in row.cells]
    said = [*made.marks, *made.headings, *cells, *made.sections, *made.notes]
    assert [text for text in said if text not in shown] == []
    assert page.count('<tr class="bad">') == 1
