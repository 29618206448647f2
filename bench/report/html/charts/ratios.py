"""How many times as much: the ratio of each pair that matters with its interval, a line a pair."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.plan import metrics
from bench.report.answer import CPU, Contrast, ScenarioAnswer, interval_of
from bench.report.html.charts.figure import COLOURS, INK, Chart, drawn

WIDE = 5.0
"""From this ratio between the largest and the smallest value on, an axis is logarithmic."""
STEPS = [base * 10.0**power for power in range(-3, 4) for base in (1, 2, 5)]


def chart(one: ScenarioAnswer) -> Chart | None:
    """The metric that ranks, and beside it CPU time per request; None where no ratio is known."""
    known = [pair for pair in one.contrasts if pair.known]
    if not known:
        return None
    shown = [known[0].main, *[CPU] * any(CPU in pair.ratios and pair.ratios[CPU].ratio for pair in known)]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for number, (axes, metric) in enumerate(zip(panels, shown, strict=True)):
            _panel(axes, known, metric, COLOURS[number])
        panels[0].set_yticks(range(len(known)), _names(known))
        panels[0].set_ylim(len(known) - 0.4, -0.8)

    words = "; ".join(f"{pair.candidate} {interval_of(pair.ratios[pair.main])}" for pair in known)
    return drawn(
        title(one, known), f"Ratios of {metrics.named(shown[0]).title}: {words}.", 1.1 + 0.4 * len(known), draw
    )


def title(one: ScenarioAnswer, known: Sequence[Contrast]) -> str:
    """What is above the line, or below it, of every ratio."""
    if len({pair.baseline for pair in known}) == 1:
        return f"{one.scenario}: times {known[0].baseline}"
    return f"{one.scenario}: {known[0].candidate}, times each other cell"


def _names(known: Sequence[Contrast]) -> list[str]:
    """Of the cells that change from line to line."""
    fixed = len({pair.baseline for pair in known}) == 1
    return [pair.candidate if fixed else f"of {pair.baseline}" for pair in known]


def _panel(axes: Axes, known: Sequence[Contrast], metric: str, colour: str) -> None:
    axes.axvline(1, color=INK, linewidth=1)
    values = [1.0]
    for row, contrast in enumerate(known):
        pair = contrast.ratios.get(metric)
        if pair is None or pair.ratio is None:
            continue
        values.append(pair.ratio)
        if pair.ci_low and pair.ci_high:
            axes.plot(
                (pair.ci_low, pair.ci_high), (row, row), color=colour, linewidth=3, solid_capstyle="butt", alpha=0.5
            )
            values += [pair.ci_low, pair.ci_high]
        axes.plot(pair.ratio, row, "o", color=colour)
        axes.annotate(
            f"{pair.ratio:.2f}", (pair.ratio, row), (0, 7), textcoords="offset points", ha="center", va="bottom",
            fontsize=9,
        )  # fmt: skip
    if max(values) > WIDE * min(values):
        axes.set_xscale("log")
        axes.set_xticks([one for one in STEPS if min(values) / 1.5 <= one <= max(values) * 1.5])
        axes.minorticks_off()
    else:
        room = 0.12 * (max(values) - min(values)) + 0.02
        axes.set_xlim(min(values) - room, max(values) + room)
        axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(f"times the {metrics.named(metric).title}")
