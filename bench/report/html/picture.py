"""A chart as a file of its own, for a README: with the colours of the pages, light or dark. Pure."""

import re

from bench.report.html.charts.figure import Chart
from bench.report.html.page import TEMPLATES

ROOT = re.compile(r":root \{(.*?)\}", re.DOTALL)


def standalone(chart: Chart, *, dark: bool) -> str:
    """An SVG file that needs nothing else. It has the page's paper behind it, since a viewer may have any."""
    light, over_it = ROOT.findall((TEMPLATES / "style.css").read_text(encoding="utf-8"))[:2]
    variables = " ".join((light + over_it * dark).split())
    style = (
        f"<style>:root {{ {variables} font-family: system-ui, sans-serif; color: var(--ink); background: var(--paper); "
        "stroke-linejoin: round; }</style>"
    )
    tag, rest = chart.svg.split(">", 1)
    return f'{tag} xmlns="http://www.w3.org/2000/svg">{style}{rest}\n'
