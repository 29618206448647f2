"""Ratios with their intervals, a line each, on one axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.html.charts.figure import COLOURS, INK, PAPER, Chart, drawn, pointed

WIDE = 5.0
"""From this ratio between the largest and the smallest value on, an axis is logarithmic."""
STEPS = [base * 10.0**power for power in range(-3, 4) for base in (1, 2, 5)]


@dataclass(frozen=True)
class RatioLine:
    """A ratio with its interval; an end that is not known is None, and so is a ratio that is not drawn."""

    name: str
    ratio: float | None
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """What is said of it where it is pointed at."""
        ratio, low, high = (
            "unknown" if value is None else f"{value:.3f}" for value in (self.ratio, self.low, self.high)
        )
        return f"{self.name} {ratio} ({low} to {high})".strip()


Reach = tuple[float, float]


def reach(lines: Iterable[RatioLine]) -> Reach:
    """From the smallest to the largest value of these lines and 1: what an axis has to show."""
    values = [value for one in lines if one.ratio for value in (one.ratio, one.low, one.high) if value]
    return min([1.0, *values]), max([1.0, *values])


def chart(title: str, description: str, lines: Sequence[RatioLine], label: str, shown: Reach | None = None) -> Chart:
    """One panel with all lines, from top to bottom. `shown`: what its axis shows, where charts beside it share it."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        panel(axes, lines, label, COLOURS[0], shown)
        name_lines(axes, [one.name for one in lines])

    return drawn(title, description, height_in(len(lines)), draw)


def height_in(lines: int) -> float:
    """The height of a chart with so many lines, in inches."""
    return 1.1 + 0.4 * lines


def name_lines(axes: Axes, names: Sequence[str]) -> None:
    """At the left, with room for the figure above the first."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.8)


def panel(axes: Axes, lines: Sequence[RatioLine], label: str, colour: str, shown: Reach | None = None) -> None:
    """The lines, with 1 as a rule through all of them."""
    axes.axvline(1, color=INK, linewidth=1)
    least, most = shown or reach(lines)
    for row, one in enumerate(lines):
        if one.ratio is None:
            continue
        made = []
        if one.low and one.high:
            ends = (one.low, one.high)
            made += axes.plot(ends, (row, row), color=colour, linewidth=3, solid_capstyle="butt", alpha=0.5)
        pointed([*made, *axes.plot(one.ratio, row, "o", color=colour)], one.words)
        axes.annotate(
            f"{one.ratio:.2f}", (one.ratio, row), (0, 7), textcoords="offset points", ha="center", va="bottom",
            fontsize=9, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    if most > WIDE * least:
        axes.set_xscale("log")
        axes.set_xticks([one for one in STEPS if least / 1.5 <= one <= most * 1.5])
        axes.set_xlim(least / 1.2, most * 1.2)
        axes.minorticks_off()
    else:
        room = 0.12 * (most - least) + 0.02
        axes.set_xlim(least - room, most + room)
        axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(label)
