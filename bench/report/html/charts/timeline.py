"""When each request of a batch waited and when it held a connection."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.analysis.recorded.timeline import TimelineRow
from bench.report.html.charts.figure import COLOURS, Chart, drawn
from suite.catalogue import marked

MOST_REQUESTS = 120


def chart(slug: str, round_number: int, rows: Sequence[TimelineRow]) -> Chart:
    """A thin line from when a request was due to its end, a thick one where it held a connection, a cross on failure.

    The first MOST_REQUESTS of them.
    """
    requests: dict[int, list[TimelineRow]] = {}
    for row in rows:
        requests.setdefault(row.request, []).append(row)
    shown = dict(list(requests.items())[:MOST_REQUESTS])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for number, own in shown.items():
            first = own[0]
            axes.plot((first.intended_s, first.end_s), (number, number), color=COLOURS[4], linewidth=1)
            for row in own:
                if row.held_from_s is not None:
                    until = row.end_s if row.held_to_s is None else row.held_to_s
                    axes.plot((row.held_from_s, until), (number, number), color=COLOURS[0], linewidth=3.5, alpha=0.9)
            if not first.ok:
                axes.plot(first.end_s, number, "x", color=COLOURS[1])
        axes.set_ylim(max(shown) + 0.8, min(shown) - 0.8)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("s from the window's start")
        axes.set_ylabel("request")
        kinds = {"waiting": (COLOURS[4], 1), "holding a connection": (COLOURS[0], 3.5)}
        handles = [Line2D([], [], color=color, linewidth=width, label=name) for name, (color, width) in kinds.items()]
        if any(not own[0].ok for own in shown.values()):
            handles.append(Line2D([], [], color=COLOURS[1], marker="x", linestyle="none", label="failed"))
        figure.legend(handles=handles, loc="outside lower left", ncols=3)

    left = f", the first {len(shown)}" if len(shown) < len(requests) else ""
    failed = sum(not own[0].ok for own in requests.values())
    words = f"{len(requests)} requests{left}; {failed} failed."
    height_in = 1.1 + min(5.0, 0.09 * len(shown) + 0.6)
    return drawn(f"Requests of the batch: {marked(slug)}, round {round_number}", words, height_in, draw)
