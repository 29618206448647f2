"""A sweep in the terminal: a row a value of the axis, a section a curve, and where each has its knee."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.intervals import half_width
from bench.analysis.outcome import CellResult
from bench.analysis.sweeps import Curve
from bench.report.formats import number
from suite.catalogue import marked

MARK = "<- knee"


def parts(found: Sequence[Curve], results: Sequence[CellResult]) -> list[RenderableType]:
    """The curves along the axis with most values, and each one's knee in words.

    Nothing where they do not hold all cells of the plan's matrix, targets apart: a ranking does.
    """
    axis = max((curve for curve in found), key=lambda one: len(one.points)).axis if found else ""
    along = [curve for curve in found if curve.axis == axis]
    held = {one.cell for curve in along for one in curve.points}
    others = [one for one in results if one.cell not in held]
    if not along or any(not one.cell.once and not one.cell.arm and not one.cell.setup.url for one in others):
        return []
    lines = [Text(f"{marked(curve.name)}: {curve.knee.why}") for curve in along if curve.knee.why]
    return [_table(along, others), *lines]


def _table(along: Sequence[Curve], others: Sequence[CellResult]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("service", overflow="fold")
    for heading in (along[0].axis, "requests/s", "95% CI", "p50 ms", "p99 ms", "CPU ms", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("bound by", "verdict", ""):
        table.add_column(heading, no_wrap=True)
    for curve in along:
        for place, (value, one) in enumerate(zip(curve.values, curve.points, strict=True)):
            name = marked(curve.name) if not place else ""
            mark = MARK if value == curve.knee.value else ""
            style = "" if one.verdict.ranks else "dim"
            table.add_row(name, f"{value:,g}", *_figures(one), mark, style=style)
        table.add_section()
    for one in others:
        table.add_row(marked(one.cell.slug), "", *_figures(one), "", style="dim")
    return table


def _figures(result: CellResult) -> list[str]:
    total = result.total
    return [
        number(total.throughput_rps, ",.0f"),
        half_width(total.throughput_interval),
        number(total.latency_p50_ms, ",.1f"),
        number(total.latency_p99_ms, ",.1f"),
        number(total.service_cpu_ms_per_request, ".3f"),
        f"{total.failures:,}",
        result.bound.by,
        result.verdict.name,
    ]
