"""Where a request's CPU time goes, for the terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.profiling.profile import CellProfile
from bench.report import layers
from bench.report.formats import within


def table(scenario: str, cells: Sequence[CellProfile]) -> RenderableType:
    """Of one cell its layers and their parts, of two their differences, of more each layer of all."""
    known = [cell for cell in cells if cell.times]
    notes = [Text(note, style="dim") for note in layers.notes(cells)]
    if not known:
        return Group(*notes)
    made = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"{scenario}: CPU time a request (ms)", title_justify="left")
    said: list[RenderableType] = []
    headings: tuple[str, ...]
    lines: list[layers.Line]
    if len(known) == 1:
        headings, lines = ("layer", "ms", "95% CI", "share"), layers.of_one(known[0])
    elif len(known) == layers.PAIR:
        one, other = layers.dearest_first(known)
        headings, lines = (("layer", *_names((one, other)), "difference", "95% CI"), layers.of_two(one, other))
        said = [Text(layers.sentence(one, other))]
    else:
        headings, lines = ("layer", *_names(known)), layers.beside(known)
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="left" if not number else "right", no_wrap=not number, overflow="fold")
    for line in lines:
        made.add_row(*map(Text, line))
    return Group(made, *said, *notes)


def _names(cells: Sequence[CellProfile]) -> list[str]:
    return [within(cell.scenario, cell.slug) for cell in cells]
