"""What all charts share: colours, lines, and the way from a matplotlib figure to SVG inside a page.

The page's style sheet gives ink, grid and series their colours, for light and dark; text stays text.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

INK, GRID, PANEL, PAPER = "#101112", "#202122", "#303132", "#404142"  # placeholders, which no chart draws with
# Okabe and Ito's palette, without its yellow and black: see https://jfly.uni-koeln.de/color/
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LINES = ("solid", "dashed", "dashdot", "dotted")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "////", "\\\\\\\\", "xx")  # of lines only: dots make a file twenty times as large
WIDTH_IN = 6.0
VARIABLES = {
    INK: "currentColor",
    GRID: "var(--grid)",
    PANEL: "var(--panel)",
    PAPER: "var(--paper)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(COLOURS, 1)},
}
SETTINGS: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.fontsize": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True)
class Chart:
    """A chart for the page. `title` and `description` are plain text; `svg` is safe markup that has both."""

    title: str
    description: str
    svg: str


@dataclass(frozen=True)
class Look:
    """How one of several things is drawn, so that colour alone tells nothing apart."""

    color: str
    linestyle: str
    marker: str


def look(number: int) -> Look:
    """Of the thing of this number, counted from 0."""
    return Look(
        COLOURS[number % len(COLOURS)],
        LINES[(number + number // len(LINES)) % len(LINES)],
        MARKERS[number % len(MARKERS)],
    )


HOVER = "hover:"


def pointed(artists: Iterable[Artist], text: str) -> None:
    """Show a text where one of these lines, points or bars is pointed at. No script is needed for it."""
    for one in artists:
        one.set_gid(f"{HOVER}{text}".replace('"', "'"))  # matplotlib would put the attribute into other quotes


def drawn(
    title: str, description: str, height_in: float, draw: Callable[[Figure], None], *, fitted: bool = True
) -> Chart:
    """A chart as wide as all others, of what `draw` puts into an empty figure.

    `fitted` makes room for labels, which takes as long as drawing does; without it, `draw` sets the margins.
    """
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the measuring font lacks is drawn by the browser's
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained" if fitted else None)
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return Chart(title, description, inline(text.getvalue(), title, description))


def inline(svg: str, title: str, description: str) -> str:
    """A whole SVG file as an element of a page: named for a screen reader, with ids that are its own."""
    body = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="([^"]+)"', body)
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=")
    body = re.sub(rf'<g id="{HOVER}([^"]*)">', r"<g><title>\1</title>", body)
    body = re.sub(r"font-family: [^;\"]+; ", "", body)
    body = re.sub(r"font: ([^;\"]*?)([\d.]+px) [^;\"]+", r"font-size: \2", body)
    for stand_in, variable in VARIABLES.items():
        body = body.replace(stand_in, variable)
    key = key_of(title + body)
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body))
    names = {one or other for one, other in used}
    body = re.sub(r' id="([^"]+)"', lambda found: f' id="c{key}-{found[1]}"' if found[1] in names else "", body)
    body = re.sub(r'href="#', f'href="#c{key}-', body)
    body = re.sub(r"url\(#", f"url(#c{key}-", body)
    attributes, labels = labelled(key, title, description)
    box = view[1] if view else "0 0 432 288"
    return f'<svg {attributes} viewBox="{box}">{labels}{body}</svg>'


def key_of(text: str) -> str:
    """What sets the ids of one chart apart from those of the others on its page."""
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def labelled(key: str, title: str, description: str) -> tuple[str, str]:
    """What names a chart for a screen reader: attributes of its element, and the elements that these refer to."""
    labels = f'<title id="t{key}">{escape(title)}</title><desc id="d{key}">{escape(description)}</desc>'
    return f'role="img" aria-labelledby="t{key}" aria-describedby="d{key}"', labels
