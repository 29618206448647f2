"""The rulings on published claims as a table for the terminal. Pure."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bench.analysis.rulings import Finding, Ruling
from bench.report.formats import figure_of

STYLES = {Finding.CONFIRMED: "green", Finding.REFUTED: "red", Finding.UNDECIDED: "yellow", Finding.NOT_TESTED: "dim"}


def table(found: Sequence[Ruling]) -> Group:
    """Each claim with its source, the expected figure, the measured figure and the ruling; the reasons are below."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading, ratio in (("claim", 4), ("source", 3), ("expected", 3)):
        shown.add_column(heading, overflow="fold", ratio=ratio)
    shown.add_column("measured (95% CI)", no_wrap=True)
    shown.add_column("ruling", no_wrap=True)
    for one in found:
        ruling = Text(one.ruling, style=STYLES[one.ruling])
        shown.add_row(Text(one.claim), Text(one.source), Text(one.expected), _measured(one), ruling)
    notes = [Text(note, style="dim") for note in _notes(found)]
    return Group(Text("published claims, as this run bears them out", style="bold"), shown, *notes)


def _notes(found: Sequence[Ruling]) -> list[str]:
    """The reason of each ruling; once where all have the same."""
    reasons = {one.why.partition("; ")[2] for one in found}
    if len(found) > 1 and len(reasons) == 1 and "" not in reasons and all(one.measured is not None for one in found):
        return [f"every claim: {reasons.pop()}"]
    return [f"{one.id}: {one.metric}, {one.why}" for one in found]


def _measured(ruling: Ruling) -> str:
    if ruling.measured is None:
        return ""
    low, high = (figure_of(end) for end in (ruling.ci_low, ruling.ci_high))
    interval = f" ({low} .. {high})" if low or high else ""
    return f"{figure_of(ruling.measured)}{interval}"
