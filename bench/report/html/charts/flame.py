"""A flame graph as SVG. It is as wide as its place: boxes have shares of the width, and letters keep their size."""

from collections.abc import Sequence
from html import escape

from bench.analysis.profiling import flame, layers
from bench.analysis.profiling.flame import Box
from bench.analysis.profiling.profile import CellProfile
from bench.report.html.charts.figure import Chart, key_of, labelled
from suite.catalogue import marked

ROW = 17
LEAST_FOR_TEXT = 0.015
STEPS = (0.02, 0.1)  # shares of a whole request, from which a difference has the next colour


def chart(cell: CellProfile) -> Chart:
    """Where the user time of one cell's requests goes. Each layer has a colour."""
    stacks_ms = cell.stacks_ms
    boxes = flame.of(stacks_ms)
    title = f"{cell.scenario}, {marked(cell.slug)}: user time of a request, {flame.whole_ms(stacks_ms):.3f} ms"
    description = "Each frame is as wide as its share of the time; below it are those that it calls."
    return _drawn(title, description, boxes, [_of_layer(one) for one in boxes])


def difference(one: CellProfile, other: CellProfile) -> Chart:
    """The graph of one cell, coloured by how much more time each frame has than in another one."""
    boxes = flame.against(one.stacks_ms, other.stacks_ms)
    title = f"{one.scenario}, {marked(one.slug)} against {marked(other.slug)}: user time of a request"
    description = (
        f"The frames of {marked(one.slug)}: red ones take more time than with {marked(other.slug)}, blue ones less."
    )
    return _drawn(title, description, boxes, [_of_difference(each, one.cpu_ms) for each in boxes])


def _drawn(title: str, description: str, boxes: Sequence[Box], classes: Sequence[str]) -> Chart:
    body = "".join(_box(one, kind) for one, kind in zip(boxes, classes, strict=True))
    height = flame.rows(boxes) * ROW
    names, labels = labelled(key_of(title + body), title, description)
    svg = f'<svg class="flame" {names} width="100%" height="{height}" style="height:{height}px">{labels}{body}</svg>'
    return Chart(title, description, svg)


def _box(one: Box, kind: str) -> str:
    left, top, width = f"{one.left:.3%}", one.depth * ROW, f"{one.width:.3%}"
    place = f'x="{left}" y="{top}" width="{width}" height="{ROW - 1}"'
    said = f"{one.frame.name} ({one.frame.path}): {one.ms:.3f} ms, itself {one.own_ms:.3f} ms"
    more = f", {one.more_ms:+.3f} ms" if kind.startswith("d") else f"; {one.layer.name}" if one.layer.name else ""
    text = f'<svg {place}><text x="3" y="12">{escape(_short(one.frame.name))}</text></svg>'
    label = text if one.width >= LEAST_FOR_TEXT else ""
    return f'<g class="{kind}"><title>{escape(said + more)}</title><rect {place}/>{label}</g>'


def _short(name: str) -> str:
    return name.rpartition("<locals>.")[2]


def _of_layer(one: Box) -> str:
    order = layers.table().order
    return f"l{order.index(one.layer.name)}" if one.layer.name in order else "l"


def _of_difference(one: Box, whole_ms: float) -> str:
    share = one.more_ms / whole_ms if whole_ms else 0.0
    step = sum(abs(share) >= least for least in STEPS)
    return f"d{'more' if share > 0 else 'less'}{step}" if step else "d0"
