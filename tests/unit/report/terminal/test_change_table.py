"""A comparison in a terminal."""

import re

from rich.console import Console

from bench.compare.documents import BAD, DIM, GOOD, ComparisonRow, Document
from bench.report.terminal import change_table
from tests.unit.compare.document_of import HOSTILE, document

CODE = r"\x1b\[([\d;]*)m"


def test_a_terminal_shows_the_same() -> None:
    """A cell's name once; nothing from outside is markup or moves the cursor."""
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(change_table.terminal(document(f"[red]{HOSTILE}")))
    printed = captured.get()
    lines = [re.sub(r"\s+", " ", line).strip() for line in printed.splitlines()]
    assert lines[:5] == [
        "old: before new: after_1",
        "NOT ALIKE, compared because of --force: database.scale: 0.01 -> 0.1",
        "the partial run after_1",
        "not compared: psycopg2_sync, INVALID: new",
        "Of 4 figures: 1 worse, 0 better, 1 without a difference shown, 2 not comparable, 1 lost.",
    ]
    assert lines[5].startswith("- worse: ")
    assert "psycopg2_sync requests/s 2,005 2,015 not comparable: INVALID: new" in lines
    assert "p99 ms 30.5 30.5 not comparable: INVALID: new" in lines
    assert "[red]" in printed
    assert "\x1b" not in printed


def test_a_narrow_terminal_has_each_cells_name_above_its_rows() -> None:
    """No column is folded into pieces: both figures are left out, which the page has."""
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        console.print(change_table.terminal(document()))
    lines = [re.sub(r"\s+", " ", line).strip() for line in captured.get().splitlines()]
    assert "metric new / old 95% CI conclusion" in lines
    assert lines[lines.index("psycopg2_sync") + 1] == "requests/s not comparable: INVALID: new"
    assert max(map(len, captured.get().splitlines())) <= 80


def test_the_tone_of_a_row_is_its_colour() -> None:
    """Bad rows are red, good ones green, and those that show nothing are dim; a cell is named in its first row."""
    rows = (ComparisonRow(("a", "x"), BAD), ComparisonRow(("a", "y"), GOOD), ComparisonRow(("b", "z"), DIM))
    console = Console(width=60, force_terminal=True, color_system="standard", no_color=False)
    with console.capture() as captured:
        console.print(change_table.terminal(Document("old", "new", ("cell", "metric"), rows)))
    printed = [
        line for line in captured.get().splitlines() if re.sub(CODE, "", line).split()[-1:] in (["x"], ["y"], ["z"])
    ]
    assert [re.sub(CODE, "", line).split() for line in printed] == [["a", "x"], ["y"], ["b", "z"]]
    assert [set(re.findall(CODE, line)) - {"0"} for line in printed] == [{"31"}, {"32"}, {"2"}]
