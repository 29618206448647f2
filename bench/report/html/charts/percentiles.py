"""Latency by percentile, on an axis of 1/(1-p) that gives the tail its room."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from bench.report.html.charts.figure import Chart, drawn, look, pointed

MOST_IN_ONE = 8
POINTS = 120
TICKS = {1: "0", 2: "50%", 10: "90%", 100: "99%", 1_000: "99.9%", 10_000: "99.99%", 100_000: "99.999%"}
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def curve(ascending_ms: npt.NDArray[np.float64], least_beyond: int) -> Curve | None:
    """1/(1-p) and the latency (ms) there, by nearest rank, as far as `least_beyond` samples lie beyond; else None."""
    last = len(ascending_ms) / least_beyond
    if last <= 1:
        return None
    beyond = np.geomspace(1.0, last, POINTS)
    ranks = np.ceil((1 - 1 / beyond) * len(ascending_ms)).astype(int)
    return beyond, ascending_ms[np.clip(ranks - 1, 0, None)]


def charts(scenario: str, curves: Mapping[str, Curve]) -> list[Chart]:
    """A line a cell, MOST_IN_ONE in a chart, all on the same axes."""
    names = list(curves)
    parts = [names[first : first + MOST_IN_ONE] for first in range(0, len(names), MOST_IN_ONE)]
    most = max((float(beyond[-1]) for beyond, _ in curves.values()), default=1.0)
    values = np.concatenate([latency for _, latency in curves.values()]) if curves else np.ones(1)
    low, high = max(float(values.min()) * 0.9, 1e-3), float(values.max()) * 1.15
    return [_chart(scenario, {name: curves[name] for name in part}, most, (low, high)) for part in parts]


def _chart(scenario: str, curves: Mapping[str, Curve], most: float, limits: Sequence[float]) -> Chart:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for number, (name, (beyond, latency)) in enumerate(curves.items()):
            own = look(number)
            made = axes.plot(
                beyond, latency, color=own.color, linestyle=own.linestyle, marker=own.marker, markersize=4,
                markevery=(number * 3, 24), label=name,
            )  # fmt: skip
            pointed(made, name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(1, most * 1.05)
        axes.set_ylim(limits[0], limits[1])
        shown = {at: label for at, label in TICKS.items() if at <= most * 1.05}
        axes.set_xticks(list(shown), list(shown.values()))
        axes.minorticks_off()
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if limits[1] / limits[0] < 300 else (1.0,)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.set_xlabel("percentile of successful requests, spaced by 1/(1-p)")
        axes.set_ylabel("latency, ms")
        figure.legend(loc="outside lower left", ncols=2)

    words = "; ".join(f"{name} ends at {latency[-1]:,.1f} ms" for name, (_, latency) in curves.items())
    title = f"Latency by percentile: {scenario}"
    return drawn(title, f"Each curve ends where fewer than 100 requests are slower: {words}.", 3.6, draw)
