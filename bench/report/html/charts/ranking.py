"""Throughput with its intervals and ceilings, and CPU time per request: a line a cell."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from bench.analysis.outcome import CellResult
from bench.analysis.summary import OperationSummary
from bench.plan import metrics
from bench.plan.metrics import Place
from bench.report.formats import figure_of
from bench.report.html.charts.figure import COLOURS, HATCHES, INK, Chart, drawn, pointed
from suite.catalogue import marked

NEAR = 1.5
"""A ceiling up to so many times the best cell has its line in the chart."""
ROLES = {name.removesuffix("_cpu_ms_per_request"): name for name in metrics.names(Place.CPU_CHART)}


def throughput(scenario: str, results: Sequence[CellResult], ceilings: Mapping[str, float]) -> Chart:
    """A dot a cell with its 95% interval, hollow where it is not ranked; `ceilings` (requests/s) as upright lines.

    The axis is scaled to the cells. A ceiling far beyond them is named below it, without a line.
    """
    highest = max([*(one.total.throughput_rps or 0.0 for one in results), 1e-3])
    near = {name for name, rps in ceilings.items() if rps <= NEAR * highest}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for row, one in enumerate(results):
            rps, interval = one.total.throughput_rps or 0.0, one.total.throughput_interval
            made, said = [], f"{marked(one.cell.slug)}: {rps:,.1f} requests/s"
            if interval:
                made += axes.plot(interval, (row, row), color=COLOURS[0], linewidth=3, solid_capstyle="butt", alpha=0.5)
                said += f" ({interval[0]:,.1f} to {interval[1]:,.1f})"
            filled = COLOURS[0] if one.verdict.ranks else "none"
            pointed([*made, *axes.plot(rps, row, "o", color=COLOURS[0], markerfacecolor=filled)], said)
            axes.annotate(
                figure_of(rps), (rps, row), (0, 7), textcoords="offset points", ha="center", va="bottom", fontsize=9
            )
        for number, (name, rps) in enumerate(ceilings.items()):
            style = ("dashed", "dotted")[number % 2]
            label = f"{name}: {figure_of(rps)}"
            if name in near:
                axes.axvline(rps, color=COLOURS[1 + number % 2], linestyle=style, label=label)
            else:
                axes.plot([], [], linestyle="none", label=f"{label}, beyond the chart")
        axes.set_yticks(range(len(results)), [marked(one.cell.slug) for one in results])
        axes.set_ylim(len(results) - 0.4, -0.8)
        axes.set_xlim(0, 1.15 * max([highest, *(ceilings[name] for name in near)]))
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.set_xlabel("successes/s; an interval that leaves the chart goes on")
        if ceilings:
            figure.legend(loc="outside lower left", ncols=1)

    words = "; ".join(f"{marked(one.cell.slug)} {figure_of(one.total.throughput_rps)}" for one in results)
    height_in = 1.0 + 0.36 * len(results) + 0.22 * len(ceilings)
    return drawn(f"Throughput: {scenario}", f"Requests per second: {words}.", height_in, draw)


def cpu(scenario: str, results: Sequence[CellResult]) -> Chart | None:
    """CPU time per request by role, side by side; None where none is known."""
    known = [one for one in results if one.total.service_cpu_ms_per_request is not None]
    if not known:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        left = [0.0] * len(known)
        for number, (role, name) in enumerate(ROLES.items()):
            widths = [_value(one.total, name) for one in known]
            bars = axes.barh(
                range(len(known)), widths, 0.6, left, label=role, color=COLOURS[number], hatch=HATCHES[number],
                edgecolor=INK, linewidth=0.5,
            )  # fmt: skip
            for bar, one, width in zip(bars, known, widths, strict=True):
                pointed([bar], f"{marked(one.cell.slug)}, {role}: {width:.4f} ms")
            left = [before + width for before, width in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(known)), [marked(one.cell.slug) for one in known])
        axes.set_ylim(len(known) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("CPU ms per request")
        figure.legend(loc="outside lower left", ncols=3)

    words = "; ".join(
        f"{marked(one.cell.slug)} " + ", ".join(f"{role} {_value(one.total, name):.3f}" for role, name in ROLES.items())
        for one in known
    )
    return drawn(f"CPU time per request: {scenario}", f"In ms: {words}.", 1.1 + 0.32 * len(known), draw)


def _value(total: OperationSummary, name: str) -> float:
    return getattr(total, name) or 0.0
