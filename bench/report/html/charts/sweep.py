"""Curves along an axis: throughput and latency, and where each has its knee."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.analysis import latency_that_all_know
from bench.analysis.outcome import CellResult
from bench.analysis.sweeps import Curve
from bench.plan import metrics
from bench.report.html.charts.figure import PANEL, Chart, Look, drawn, look
from suite.catalogue import marked

LOGARITHMIC_FROM = 20  # times the smallest value


def chart(curves: Sequence[Curve]) -> Chart:
    """Curves of one scenario along one axis; hollow marks are not ranked, an upright line is a knee."""
    scenario, axis = curves[0].scenario, curves[0].axis
    metric = latency_that_all_know([one for curve in curves for one in curve.points])
    timed = any(_latency_ms(one, metric) for curve in curves for one in curve.points)

    def draw(figure: Figure) -> None:
        rows = figure.subplots(2 if timed else 1, sharex=True, squeeze=False).ravel()
        rates, latencies = rows[0], rows[1:]
        for number, curve in enumerate(curves):
            own = look(number)
            _line(rates, curve.values, [one.total.throughput_rps for one in curve.points], own, marked(curve.name))
            for axes in latencies:
                _line(axes, curve.values, [_latency_ms(one, metric) for one in curve.points], own)
            for value, one in zip(curve.values, curve.points, strict=True):
                if not one.verdict.ranks and one.total.throughput_rps:
                    rates.plot(value, one.total.throughput_rps, own.marker, color=own.color, markerfacecolor=PANEL)
                interval = one.total.throughput_interval
                if interval and one.verdict.ranks:
                    rates.plot((value, value), interval, color=own.color, linewidth=4, alpha=0.35)
            if curve.knee.at is not None:
                for axes in rows:
                    axes.axvline(curve.knee.at, color=own.color, linestyle="dotted")
        every = sorted({value for curve in curves for value in curve.values})
        if every[0] > 0 and every[-1] / every[0] >= LOGARITHMIC_FROM:
            rates.set_xscale("log")
        rates.minorticks_off()
        rates.set_xticks(every, [f"{value:,g}" for value in every], rotation=45 if len(every) > 6 else 0)
        most = max(one.total.throughput_rps or 0.0 for curve in curves for one in curve.points)
        rates.set_ylim(0, most * 1.2 or 1.0)  # an interval of two rounds may be far wider than the curve is high
        rates.set_title("successes/s, with 95% intervals (which may leave the chart)")
        for axes in latencies:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
            axes.set_title(f"{metrics.named(metric).title} latency, ms")
        rows[-1].set_xlabel(axis)
        figure.legend(loc="outside lower left", ncols=2)

    words = "; ".join(f"{marked(curve.name)}: {curve.knee.why or 'too few values'}" for curve in curves)
    return drawn(f"{scenario} along {axis}", f"{words}.", 4.6 if timed else 2.6, draw)


def _latency_ms(one: CellResult, metric: str) -> float | None:
    """None for too few requests to know even the median."""
    value: float | None = getattr(one.total, metric)
    return value


def _line(axes: Axes, at: Sequence[float], values: Sequence[float | None], own: Look, label: str | None = None) -> None:
    known = [float("nan") if value is None else value for value in values]
    axes.plot(
        at, known, color=own.color, linestyle=own.linestyle, marker=own.marker, label=label, markersize=5,
    )  # fmt: skip
