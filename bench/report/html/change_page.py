"""A comparison of two runs as a page: a document in, HTML out. Pure; everything from outside is escaped."""

from collections.abc import Mapping

from bench.compare.documents import Document
from bench.report.html.page import environment
from bench.report.markdown import holds_figures
from bench.store.csv_reading import plain


def page(document: Document, links: Mapping[str, str] | None = None) -> str:
    """The whole document: one file that needs nothing else, dark or light as the reader has it, without scripts.

    `links` lead to the pages of the two runs, by their names.
    """
    templates = environment()
    templates.filters["plain"] = plain
    numbers = [number for number in range(len(document.headings)) if holds_figures(document, number)]
    return templates.get_template("change.html").render(document=document, numbers=numbers, links=links or {})
