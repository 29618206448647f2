"""One cell in one round over time: latency as a heat map; throughput, latency, backends and CPU on one time axis."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from bench.report.formats import figure_of
from bench.report.html.charts.figure import COLOURS, HATCHES, INK, PANEL, Chart, drawn, look
from bench.report.html.series import Limits, OverTime
from suite.catalogue import marked

LEFT, ROW_IN = 0.12, 1.4


def heat(series: OverTime, limits: Limits) -> Chart | None:
    """How many successes ended when, and after how long; None where there is none."""
    if not series.heat.any():
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=LEFT, right=0.87, top=0.96, bottom=0.22)
        counts = np.where(series.heat > 0, series.heat, np.nan)
        low, high = series.heat_ms
        image = axes.pcolormesh(
            np.linspace(series.from_s, series.to_s, counts.shape[0] + 1),
            np.geomspace(low, high, counts.shape[1] + 1),
            counts.T,
            cmap=colormaps["cividis_r"],
            norm=LogNorm(1, max(2.0, limits.heat)),
            rasterized=True,
        )
        axes.set_yscale("log")
        axes.set_facecolor(PANEL)
        axes.grid(visible=False)
        axes.set_ylim(limits.heat_ms)
        _log_labels(axes, *limits.heat_ms)
        axes.set_ylabel("latency, ms")
        _time(axes, limits, color="#444444")
        axes.set_xlabel("s from the window's start")
        bar = figure.colorbar(image, cax=axes.inset_axes((1.02, 0.0, 0.025, 1.0)))
        bar.outline.set_visible(False)
        bar.set_label("requests")
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        bar.ax.minorticks_off()

    low, high = series.heat_ms
    words = (
        f"{series.heat.sum():,.0f} successes between {figure_of(low)} and {figure_of(high)} ms; more contrast is more."
    )
    return drawn(f"Latency over time: {marked(series.slug)}, round {series.round}", words, 2.3, draw, fitted=False)


def aligned(series: OverTime, limits: Limits) -> Chart:
    """Rows on one time axis, without those for which nothing was stored. `limits`: those of the charts beside it."""
    rows = [_throughput, _latency]
    seen = any(map(any, series.states.values()))  # only targets, or no_database: PostgreSQL had no connection to show
    rows += [_backends] if seen else []
    rows += [_cpu] if series.cpu else []

    height_in = ROW_IN * len(rows) + 0.4

    def draw(figure: Figure) -> None:
        every = figure.subplots(len(rows), sharex=True)
        figure.subplots_adjust(left=LEFT, right=0.97, top=1 - 0.3 / height_in, bottom=0.5 / height_in, hspace=0.5)
        for row, axes in zip(rows, every, strict=True):
            row(axes, series, limits)
            _time(axes, limits)
        axes.set_xlabel("s from the window's start")

    words = "Throughput, latency" + (", backends" if seen else "") + (", CPU" if series.cpu else "")
    title = f"Over time: {marked(series.slug)}, round {series.round}"
    return drawn(
        title, f"{words} on one time axis; the dashed line is where the window begins.", height_in, draw, fitted=False
    )


def _throughput(axes: Axes, series: OverTime, limits: Limits) -> None:
    axes.step(series.at_s, series.rps, where="mid", color=COLOURS[0])
    axes.set_ylim(0, limits.rps)
    axes.set_title("successes/s")


def _latency(axes: Axes, series: OverTime, limits: Limits) -> None:
    for number, (name, values) in enumerate((("p50", series.p50_ms), ("p99", series.p99_ms))):
        own = look(number)
        axes.plot(
            series.at_s, values, label=name, color=own.color, linestyle=own.linestyle, marker=own.marker, markersize=2.5
        )
    axes.set_ylim(0, limits.latency_ms)
    axes.set_title("latency, ms")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 1.3), ncols=2)


def _backends(axes: Axes, series: OverTime, limits: Limits) -> None:
    names = [name for name, values in series.states.items() if any(values)]
    stacked = axes.stackplot(
        series.states_at_s,
        [series.states[name] for name in names],
        labels=[name.replace("_", " ") for name in names],
        colors=[COLOURS[list(series.states).index(name)] for name in names],
        edgecolor=INK,
        linewidth=0.3,
    )
    for name, area in zip(names, stacked, strict=True):
        area.set_hatch(HATCHES[list(series.states).index(name)])
    axes.set_ylim(0, limits.backends)
    axes.set_title("backends")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 1.3), ncols=4)


def _cpu(axes: Axes, series: OverTime, limits: Limits) -> None:
    for number, (role, (at_s, values)) in enumerate(series.cpu.items()):
        own = look(number)
        axes.plot(at_s, values, label=role, color=own.color, linestyle=own.linestyle, marker=own.marker, markersize=2.5)
    axes.set_ylim(0, limits.cpus)
    axes.set_title("CPUs in use")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 1.3), ncols=3)


def _time(axes: Axes, limits: Limits, color: str = INK) -> None:
    axes.set_xlim(limits.from_s, limits.to_s)
    if limits.from_s < 0:
        axes.axvline(0, color=color, linestyle="dashed", linewidth=0.8)


def _log_labels(axes: Axes, low: float, high: float) -> None:
    steps = [base * 10.0**power for power in range(-3, 7) for base in ((1, 2, 5) if high / low < 100 else (1,))]
    inside = [step for step in steps if low <= step <= high]
    axes.set_yticks(inside, [f"{step:,g}" for step in inside])
    axes.minorticks_off()
