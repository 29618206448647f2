"""What one more connection, thread and worker costs in memory: a table for the terminal, and memory.csv. Pure."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.analysis.profiling import memory
from bench.analysis.profiling.memory import MemoryCost
from bench.report.formats import figure_of
from suite import csv_writing
from suite.catalogue import marked

FILE = "memory.csv"
NOT_SEEN = "not seen"


def table(found: Sequence[MemoryCost]) -> Table:
    """A row a cost: MB in the service and in PostgreSQL, each with its interval, and the values that were measured."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("one more", no_wrap=True)
    for heading in ("service, MB (95% CI)", "PostgreSQL, MB (95% CI)"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("measured with")
    last = ""
    for one in found:
        if last and one.service != last:
            made.add_section()
        if one.service != last and len({each.service for each in found}) > 1:
            made.add_row(Text(marked(one.service), style="bold"))
        last = one.service
        made.add_row(
            one.of,
            _figures(one.service_mb_each, one.ci_low, one.ci_high),
            _figures(one.database_mb_each, one.database_ci_low, one.database_ci_high),
            _measured(one),
        )
    return made


def csv_text(found: Sequence[MemoryCost]) -> str:
    """The text of memory.csv."""
    return csv_writing.csv_text(memory.COLUMNS, memory.rows(found))


def _figures(each: float | None, low: float | None, high: float | None) -> str:
    return NOT_SEEN if each is None else f"{figure_of(each)} ({figure_of(low)} .. {figure_of(high)})"


def _measured(cost: MemoryCost) -> str:
    *first, last = map(str, cost.points)
    return f"{', '.join(first)} and {last} {cost.of}s"
