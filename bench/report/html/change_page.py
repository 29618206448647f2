"""A comparison of two runs as a page: a document in, HTML out. Pure; everything from outside is escaped."""

from collections.abc import Iterator, Mapping

from bench.compare.documents import Document
from bench.plan import metrics
from bench.report.html.charts import intervals
from bench.report.html.charts.figure import Chart
from bench.report.html.charts.intervals import RatioLine
from bench.report.html.page import environment
from bench.report.markdown import holds_figures
from bench.store.csv_reading import plain

MOST_CELLS = 30  # that are drawn


def page(document: Document, links: Mapping[str, str] | None = None) -> str:
    """The whole document: one file that needs nothing else, dark or light as the reader has it, without scripts.

    `links` lead to the pages of the two runs, by their names.
    """
    templates = environment()
    templates.filters["plain"] = plain
    numbers = [number for number in range(len(document.headings)) if holds_figures(document, number)]
    return templates.get_template("change.html").render(
        document=document, numbers=numbers, links=links or {}, charts=list(_charts(document))[:MOST_CELLS]
    )


def _charts(document: Document) -> Iterator[Chart]:
    """Each cell, new beside old, on the same axis; net changes where they are known, as in the table."""
    cells = {
        name: [RatioLine(metrics.named(one.metric).title, *one.judged) for one in changes if one.judged[0]]
        for name, changes in document.cells.items()
    }
    shown = intervals.reach(line for lines in cells.values() for line in lines)
    for name, lines in cells.items():
        is_net = any(one.net_ratio is not None for one in document.cells[name])
        label = f"new, times old{', beside the other services' if is_net else ''}"
        words = "; ".join(f"{one.name} {one.ratio:.2f}" for one in lines)
        if lines:
            yield intervals.chart(plain(name), f"New / old: {words}.", lines, label, shown)
