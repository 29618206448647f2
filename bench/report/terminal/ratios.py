"""The ratios of cells for the terminal: those with the baseline first, and all of them if that is asked for."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis import pairs
from bench.analysis.analysis import Ranking
from bench.analysis.pairing.families import Family
from bench.analysis.pairs import Conclusion, Pair
from bench.plan import metrics
from bench.plan.metrics import Metric, Place
from bench.report import answer
from bench.report.formats import confidence_of, within
from suite.catalogue import marked

BREAKS = (" of this column", " with ", " in this column")
"""Where the heading of the names goes on in the next line, so that it is no wider than they are."""


def parts(found: Ranking, *, all_pairs: bool) -> list[RenderableType]:
    """The family that is shown first, then that of all pairs if `all_pairs`; else a line on what is left out."""
    everything = found.contrasts(Family.ALL)
    if not any(one.ratio is not None for one in everything):
        return [Text(f"no comparison: {everything[0].why}", style="dim")] if everything else []
    if found.shown is Family.ALL:
        shown, left_out = (everything, 0) if all_pairs else pairs.shown(everything, found.results)
        left = f"{left_out} more pairs, of one service in two settings, are in comparison.csv"
        lines = [Text(left, style="dim")] if left_out else []
        if found.baseline:
            lines.append(Text(f"no ratio with {marked(found.baseline)} is known, so these are all pairs", style="dim"))
        return [_table(found, Family.ALL, shown), *lines]
    first = found.contrasts(Family.BASELINE)
    table = _table(found, Family.BASELINE, first)
    count = pairs.sharing(everything)
    if count == pairs.sharing(first):
        return [table]
    if all_pairs:
        return [table, _table(found, Family.ALL, everything)]
    return [table, Text(f"all {count} pairs are in comparison.csv, and printed with --all-pairs", style="dim")]


def every(found: Ranking) -> list[RenderableType]:
    """The family of all pairs alone; nothing where there is no pair."""
    everything = found.contrasts(Family.ALL)
    return [Text(found.scenario, style="bold"), _table(found, Family.ALL, everything)] if everything else []


def _table(found: Ranking, family: Family, rows: Sequence[Pair]) -> Table:
    """Each pair of cells in a row. `rows` are of this family; its heading says how many hold together."""
    baseline = found.baseline if family is Family.BASELINE else ""
    heading = f"ratio ({confidence_of(found.contrasts(family), baseline)})"
    for place in BREAKS:
        heading = heading.replace(place, f"\n{place[1:]}")
    shown = metrics.in_(Place.RATIOS_OF_OPEN_LOAD if found.paced else Place.RATIOS)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(heading, overflow="fold")
    for metric in shown:
        table.add_column(metric.title, no_wrap=True)
    for names, cells in _by_pair(rows).items():
        first, second = (within(found.scenario, slug) for slug in names)
        table.add_row(f"{first} / {second}", *_figures(cells, shown))
    return table


def _by_pair(rows: Sequence[Pair]) -> dict[tuple[str, str], dict[str, Text]]:
    """The text of each metric, by candidate and baseline."""
    found: dict[tuple[str, str], dict[str, Text]] = {}
    for one in rows:
        found.setdefault((one.candidate, one.baseline), {})[one.metric] = _contrast(one)
    return found


def _figures(cells: dict[str, Text], shown: Sequence[Metric]) -> list[Text]:
    return [cells.get(metric.name, Text()) for metric in shown]


def _contrast(pair: Pair) -> Text:
    if pair.ratio is None:
        return Text(pair.conclusion)
    if answer.is_vague(pair):
        return Text(f"{pair.ratio:.2f} (too few rounds)", style="dim")
    interval = f" ({pair.ci_low:.2f} .. {pair.ci_high:.2f})" if pair.ci_low and pair.ci_high else ""
    same = f"\n{pair.conclusion}" if pair.conclusion == Conclusion.NONE_SHOWN else ""
    return Text(f"{pair.ratio:.2f}{interval}{same}")
