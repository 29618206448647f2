"""A comparison in a pull request."""

import re
from pathlib import Path

import pytest

from bench.compare import documents, locust_csv
from bench.compare.documents import Document
from bench.report import markdown
from tests.unit.compare.document_of import HOSTILE, document

MARKDOWN = """\
### before → after_1

> **NOT ALIKE, compared because of --force: database.scale: 0.01 -&#62; 0.1**

> **the partial run after_1**

> **not compared: psycopg2_sync, INVALID: new**

**Of 4 figures: 1 worse, 0 better, 1 without a difference shown, 2 not comparable, 1 lost.**

- worse: asyncpg_async, requests/s 0.750 (0.722 .. 0.780)

| cell | metric | old | new | new / old | 95% CI | conclusion |
| --- | --- | ---: | ---: | ---: | ---: | --- |
| asyncpg_async | requests/s | 4,016 | 3,013 | 0.750 | 0.722 .. 0.780 | lower, worse |
| asyncpg_async | p99 ms | 20.33 | 20.56 | 1.012 | 0.955 .. 1.072 | no difference shown |
| psycopg2_sync | requests/s | 2,005 | 2,015 |  |  | not comparable: INVALID: new |
| psycopg2_sync | p99 ms | 30.5 | 30.5 |  |  | not comparable: INVALID: new |

**Worse, without a ratio**

- vanished: databases_async: VALID in the old run, not in the new one

**Candidate causes**

- library versions: asyncpg: 0.31.0 -&#62; 0.32.0

**Not in both**

- only in the old run: databases_async

"""


def test_markdown_for_a_pull_request() -> None:
    """What is wrong with the comparison first, then the table, then what may explain it."""
    assert markdown.markdown(document()) == MARKDOWN + documents.WHAT_ROUNDS_MISS + "\n"


@pytest.mark.parametrize("made", [document(HOSTILE), document(name=HOSTILE)], ids=["service", "run"])
def test_markdown_escapes_everything(made: Document) -> None:
    """No tag, link, mention, code or further column comes from outside."""
    text = markdown.markdown(made)
    assert not re.search(r"<|`|\[|@|\*b|http://", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {8}
    assert len(rows) == 6


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
