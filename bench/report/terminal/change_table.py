"""A comparison of two runs for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.compare.documents import BAD, DIM, GOOD, Document
from bench.report.markdown import holds_figures
from bench.store.csv_reading import plain

STYLES = {GOOD: "green", BAD: "red", DIM: "dim", "": ""}


def terminal(document: Document) -> RenderableType:
    """For rich; text from outside is no markup."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(document.headings):
        is_figure = holds_figures(document, number)
        table.add_column(heading, justify="right" if is_figure else "left", no_wrap=is_figure, overflow="fold")
    last = ""
    for row in document.rows:
        first = "" if row.cells[0] == last else row.cells[0]
        table.add_row(*(Text(plain(text)) for text in (first, *row.cells[1:])), style=STYLES[row.tone])
        last = row.cells[0]
    parts: list[RenderableType] = [Text(plain(f"old: {document.old}   new: {document.new}"), style="bold")]
    parts += [Text(plain(mark), style="bold red") for mark in document.marks]
    parts += [Text(document.together)] if document.together else []
    parts += [Text(document.headline, style="bold")] if document.headline else []
    parts += [Text(f"- {plain(text)}", style=STYLES[row.tone]) for row in document.changed for text in row.cells]
    parts.append(table)
    for heading, lines in document.sections.items():
        parts.append(Text(heading, style="bold"))
        parts += [Text(plain(f"  {line}")) for line in lines]
    return Group(*parts, *(Text(plain(note), style="dim") for note in document.notes))
