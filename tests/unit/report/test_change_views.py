"""A comparison as it is shown: in a terminal, in a pull request, in a browser."""

import re
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from bench.compare import changes, documents, locust_csv
from bench.compare.changes import OperationFigures
from bench.compare.documents import Document
from bench.plan import metrics
from bench.plan.metrics import Place
from bench.plan.note import Kind, Note
from bench.report import markdown
from bench.report.html import change_page
from bench.report.html.page import environment
from bench.report.terminal import change_table
from suite import csv_writing

HOSTILE = "</script><img src=x onerror=alert(1)> | *b* [l](http://x) @me `c`\x1b[2J\nx"
KEYS = ("idiomatic", "gunicorn", "1", "10", "threads=40", "closed", "1000")


def figures(
    service: str, rates: tuple[float, ...], latencies: tuple[float, ...], verdict: str = "VALID"
) -> OperationFigures:
    rounds: dict[str, tuple[float | None, ...]] = {name: (None,) * len(rates) for name in metrics.names(Place.COMPARE)}
    rounds |= {"throughput_rps": rates, "latency_p99_ms": latencies}
    return OperationFigures(("point_read", service, *KEYS), "all", verdict, {}, rounds, len(rates))


def document(service: str = "asyncpg_async", name: str = "after_1") -> Document:
    old = [figures(service, (4000, 4100, 3950), (20, 21, 20)), figures("psycopg2_sync", (2000, 2010), (30, 31))]
    new = [
        figures(service, (3000, 3050, 2990), (20.5, 21, 20.2)),
        figures("psycopg2_sync", (2000, 2030), (30, 31), "INVALID"),
    ]
    return documents.of_runs(
        ("before", name),
        changes.compare(old, new),
        obstacles=["database.scale: 0.01 -> 0.1"],
        remarks=[Note("", Kind.UNFINISHED, f"the partial run {name}")],
        alone=["only in the old run: databases_async"],
        causes={"library versions": ["asyncpg: 0.31.0 -> 0.32.0"]},
    )


MARKDOWN = """\
### before → after_1

> **NOT ALIKE, compared because of --force: database.scale: 0.01 -&#62; 0.1**

> **the partial run after_1**

| cell | metric | old | new | new / old | 95% CI | conclusion |
| --- | --- | ---: | ---: | ---: | ---: | --- |
| asyncpg_async | requests/s | 4,016 | 3,013 | 0.750 | 0.722 .. 0.780 | lower |
| asyncpg_async | p99 ms | 20.33 | 20.56 | 1.012 | 0.955 .. 1.072 | no difference shown |
| psycopg2_sync | requests/s | 2,005 | 2,015 |  |  | not comparable: INVALID: new |
| psycopg2_sync | p99 ms | 30.5 | 30.5 |  |  | not comparable: INVALID: new |

**Candidate causes**

- library versions: asyncpg: 0.31.0 -&#62; 0.32.0

**Not in both**

- only in the old run: databases_async

0 higher, 1 lower, 1 no difference shown, 2 not comparable

"""


def test_markdown_for_a_pull_request() -> None:
    """What is wrong with the comparison first, then the table, then what may explain it."""
    assert markdown.markdown(document()) == MARKDOWN + documents.WHAT_ROUNDS_MISS + "\n"


def test_a_terminal_shows_the_same() -> None:
    """A cell's name once; nothing from outside is markup or moves the cursor."""
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(change_table.terminal(document(f"[red]{HOSTILE}")))
    printed = captured.get()
    lines = [re.sub(r"\s+", " ", line).strip() for line in printed.splitlines()]
    assert lines[:3] == [
        "old: before new: after_1",
        "NOT ALIKE, compared because of --force: database.scale: 0.01 -> 0.1",
        "the partial run after_1",
    ]
    assert "psycopg2_sync requests/s 2,005 2,015 not comparable: INVALID: new" in lines
    assert "p99 ms 30.5 30.5 not comparable: INVALID: new" in lines
    assert "[red]" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("made", [document(HOSTILE), document(name=HOSTILE)], ids=["service", "run"])
def test_a_page_escapes_everything(made: Document) -> None:
    """No tag but the page's own, and a policy that allows no script."""
    page = change_page.page(made)
    assert set(re.findall(r"<(\w+)", page)) == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "thead", "tbody", "tr", "th",
        "td", "ul", "li", "header", "main",
    }  # fmt: skip
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page
    assert "default-src 'none'; base-uri 'none'; form-action 'none'; style-src" in page
    assert "script-src" not in page
    assert "\x1b" not in page


def test_a_comparison_looks_as_a_run_does() -> None:
    """One head for all pages: policy, colours and style sheet; and the words of the other two ways to show it."""
    page = change_page.page(document())
    assert environment().get_template("_head.html").render(title="before \N{RIGHTWARDS ARROW} after_1") in page
    shown = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.partition("<body>")[2])))
    made = document()
    cells = [text for row in made.rows for text in row.cells]
    said = [*made.marks, *made.headings, *cells, *made.sections, *made.notes]
    assert [text for text in said if text not in shown] == []
    assert page.count('<tr class="bad">') == 1


@pytest.mark.parametrize("made", [document(HOSTILE), document(name=HOSTILE)], ids=["service", "run"])
def test_markdown_escapes_everything(made: Document) -> None:
    """No tag, link, mention, code or further column comes from outside."""
    text = markdown.markdown(made)
    assert not re.search(r"<|`|\[|@|\*b|http://", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {8}
    assert len(rows) == 6


def test_text_cells_of_compare_csv_are_no_formulas() -> None:
    """As everywhere in the results."""
    [one, *_] = changes.compare([figures("=1+1", (1, 2), (1, 2))], [figures("=1+1", (1, 2), (1, 2))])
    header, row = csv_writing.csv_text(changes.COLUMNS, [one.row()]).splitlines()
    assert header.split(",") == list(changes.COLUMNS)
    assert row == (
        "point_read,all,'=1+1,idiomatic,gunicorn,1,10,threads=40,closed,1000,throughput_rps,2,2,"
        "1.41421,1.41421,1,0.121377,8.2388,no difference shown,"
    )


def test_files_of_locust_say_what_they_cannot_tell(tmp_path: Path) -> None:
    """Ratios without a conclusion, and the reasons."""
    text = "Type,Name,Request Count,Failure Count,Requests/s,99%\nGET,/x,100,0,50.0,20\n"
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text)
    made = documents.of_files("a.csv", "b.csv", *locust_csv.compare(tmp_path / "a.csv", tmp_path / "b.csv"))
    assert markdown.markdown(made) == (
        "### a.csv → b.csv\n\n"
        "| name | metric | old | new | new / old |\n"
        "| --- | --- | ---: | ---: | ---: |\n"
        "| GET /x | Requests/s | 50 | 50 | 1.000 |\n"
        "| GET /x | 99% | 20 | 20 | 1.000 |\n\n"
        "**What these files cannot tell**\n\n" + "".join(f"- {line}\n" for line in locust_csv.LIMITS)
    )


def test_a_regression_is_one_line() -> None:
    """With the limit that its whole interval lies beyond."""
    [one, *_] = changes.compare([figures("x", (100, 101), (1, 2))], [figures("x", (50, 50.5), (1, 2))])
    line = documents.regression(one, 0.05, "x")
    assert line == "regression: x: requests/s 0.500 (0.485 .. 0.515), all of it below 0.95"
