"""A run's page, from a small stored run."""

import re
from pathlib import Path

from bench.report.html import page
from tests.stored_run import HOSTILE
from tests.unit.report.outline import Outline

GOLDEN = Path(__file__).with_name("report.txt")
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data:"
SECTIONS = [
    "answer", "ranking", "throughput", "latency", "over-time", "costs", "sweeps", "timelines", "claims", "parity",
    "environment", "reading",
]  # fmt: skip


def words(text: str) -> str:
    """What a page says, line by line; of charts, title and description."""
    charts = re.sub(r"(<svg.*?</title>)(.*?</desc>).*?</svg>", r"\1: \2</svg>", text, flags=re.DOTALL)
    cells = re.sub(r"(?=</t[dh]>)", " | ", charts.partition("</style>")[2])
    lines = (" ".join(line.split()) for line in Outline(cells).text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def test_the_pages_words_are_those_that_were_read(text: str) -> None:
    """All that a reader sees beside the charts' drawings. To change it: look at the page, then store these lines."""
    assert words(text) == GOLDEN.read_text()


def test_the_page_says_what_served_most_and_where_the_knee_is(outline: Outline) -> None:
    """With its interval, how it compares, and first of all what is not ranked."""
    text = outline.text
    leader = re.search(r"point_read: asyncpg_async-users_1000 served most, .*", text)
    assert leader is not None
    assert re.search(r"\(95% interval [\d,]+ to [\d,]+\), bound by service CPU\.$", leader[0])
    assert "asyncpg_async: no knee" in text
    unranked = "point_read: asyncpg_async-users_1 is INVALID and not ranked: round 1: "
    assert text.index(unranked) < text.index(leader[0])


def test_every_section_is_there_in_order_and_is_linked(outline: Outline) -> None:
    """But for costs: verification has not counted in this run."""
    expected = [name for name in SECTIONS if name != "costs"]
    assert [one["id"] for one in outline.of("section")] == expected
    assert [one["href"] for one in outline.of("a")][: len(expected)] == [f"#{name}" for name in expected]


def test_elements_are_closed_and_ids_are_unique_and_every_link_leads_to_one(outline: Outline) -> None:
    """The charts' own ids included."""
    assert outline.wrong == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = {one["href"] for name, one in outline.elements if "href" in one and name != "image"}
    assert references <= {f"#{name}" for name in ids}


def test_text_from_outside_stays_text(text: str, outline: Outline) -> None:
    """Title, question, error, parity, claim, machine and status of this run would each be an image and a script."""
    assert (outline.of("img"), outline.of("script")) == ([], [])
    assert "<img" not in text
    assert outline.text.count(HOSTILE) >= 8


def test_nothing_is_loaded_from_anywhere(text: str, outline: Outline) -> None:
    """Pictures are inside the page; nothing names a host; a policy forbids the rest."""
    policy = next(one for one in outline.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == POLICY
    assert re.findall(r"https?://", text) == []
    assert all(str(one["href"]).startswith("data:image/png;base64,") for one in outline.of("image"))
    assert re.findall(r"url\((?!#)", text) == []
    assert [one for one, _ in outline.elements if one in {"script", "link", "iframe", "object", "style"}] == ["style"]


def test_charts_have_names_and_tables_have_captions_and_scopes(outline: Outline) -> None:
    """A chart's title and description are elements of its own; what scrolls can be reached by keyboard."""
    charts = outline.of("svg")
    ids = {attributes.get("id") for _, attributes in outline.elements}
    assert len(charts) == 17
    assert all(one["role"] == "img" and {one["aria-labelledby"], one["aria-describedby"]} <= ids for one in charts)
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert {one.get("scope") for one in outline.of("th")} == {"col", "row"}
    assert all(one.get("tabindex") == "0" for _, one in outline.elements if one.get("class") == "scroll")


def test_colours_come_from_the_style_sheet(text: str) -> None:
    """So that dark pages have light ink."""
    charts = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", charts)) <= {"#444444"}


def test_verdicts_are_counted_from_the_best_to_the_worst() -> None:
    """One that no cell has is left out."""
    assert page.counted(["INVALID", "VALID", "INVALID"]) == "1 VALID, 2 INVALID"
    assert page.counted([]) == ""
