"""A comparison of two runs for the terminal."""

from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.compare.documents import BAD, DIM, GOOD, Document
from bench.report.markdown import holds_figures
from bench.store.csv_reading import plain

STYLES = {GOOD: "green", BAD: "red", DIM: "dim", "": ""}


WIDE = 112
"""From this width on, a cell and its figures are on one line."""
LEFT_OUT = ("old", "new")
"""What a narrow terminal has no room for; compare.csv and compare.html have it."""


@dataclass(frozen=True)
class ChangeTable:
    """The rows of a comparison, in the width that the terminal has."""

    document: Document

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> list[RenderableType]:
        """One table. Rich calls it."""
        return [_table(self.document, is_narrow=options.max_width < WIDE and "conclusion" in self.document.headings)]


def _table(document: Document, *, is_narrow: bool) -> Table:
    """A narrow one has each cell's name above its rows."""
    out = {*LEFT_OUT, *(["new / old"] if "net" in document.headings else [])}
    kept = [
        number
        for number, heading in enumerate(document.headings)
        if not is_narrow or (number > 0 and heading not in out)
    ]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number in kept:
        is_figure = holds_figures(document, number)
        heading = document.headings[number]
        table.add_column(heading, justify="right" if is_figure else "left", no_wrap=is_figure, overflow="fold")
    last = ""
    for row in document.rows:
        name, style = row.cells[0], STYLES[row.tone]
        if is_narrow and name != last:
            table.add_row(Text(plain(name), style="bold", no_wrap=True, overflow="fold"))
        first = "" if name == last else name
        texts = (first, *row.cells[1:])
        table.add_row(*(Text(plain(texts[number])) for number in kept), style=style)
        last = name
    return table


def terminal(document: Document) -> RenderableType:
    """For rich; text from outside is no markup."""
    parts: list[RenderableType] = [Text(plain(f"old: {document.old}   new: {document.new}"), style="bold")]
    parts += [Text(plain(mark), style="bold red") for mark in document.marks]
    parts += [Text(plain(line), style="bold red") for line in document.unranked]
    parts += [Text(document.together)] if document.together else []
    parts += [Text(document.headline, style="bold")] if document.headline else []
    parts += [Text(f"- {plain(text)}", style=STYLES[row.tone]) for row in document.changed for text in row.cells]
    parts.append(ChangeTable(document))
    for heading, lines in document.sections.items():
        parts.append(Text(heading, style="bold"))
        parts += [Text(plain(f"  {line}")) for line in lines]
    return Group(*parts, *(Text(plain(note), style="dim") for note in document.notes))
