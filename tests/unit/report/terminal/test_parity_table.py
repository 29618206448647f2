"""Parity in a terminal."""

from dataclasses import replace

from bench.analysis.parity import LIBRARY, NOT_ASKED, ParityRow
from bench.report.terminal import parity_table
from tests.unit.report.terminal.lines_of import lines

LIFO = ParityRow("pool_policy", "asyncpg_async", "idiomatic", "LIFO", "", "", "")
FIFO = replace(LIFO, service="sqlalchemy_async", value="FIFO")


def test_a_difference_that_is_not_asked_for_is_yellow() -> None:
    """One that a library explains is dim; without any there is one line, and without a fact there is none."""
    declared = [replace(row, whose=LIBRARY) for row in (LIFO, FIFO)]
    said = "pool_policy is LIFO with asyncpg_async; FIFO with sqlalchemy_async"
    assert [(line.plain, line.style) for line in parity_table.lines(declared)] == [(f"parity, library: {said}", "dim")]
    spoiled = [declared[0], replace(FIFO, whose=NOT_ASKED)]
    assert [(line.plain, line.style) for line in parity_table.lines(spoiled)] == [
        (f"parity, not asked for: {said}", "yellow")
    ]
    assert [(line.plain, line.style) for line in parity_table.lines([LIFO])] == [(parity_table.NONE, "dim")]
    assert parity_table.lines([]) == []


def test_only_setups_that_have_a_varying_fact_have_a_row() -> None:
    """Text from outside is no markup; a version that all have is below, without the words before its library's name."""
    python = replace(LIFO, fact="version of python", value="3.11.7")
    rows = [FIFO, replace(LIFO, value="[red]LIFO"), python, replace(python, service="no_database")]
    shown = lines(parity_table.table(rows))
    assert [[cell.strip() for cell in line.strip("│┃").split("│")] for line in shown if line.startswith("│")] == [
        ["asyncpg_async (idiomatic)", "[red]LIFO"],
        ["sqlalchemy_async (idiomatic)", "FIFO"],
    ]
    assert shown[-1] == "the same wherever there is one: python 3.11.7"
