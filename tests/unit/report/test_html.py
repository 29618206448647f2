"""A run's page and the index of all runs, from a small stored run."""

import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from bench.analysis import analysis, sweeps
from bench.measure import output
from bench.plan import file
from bench.report.html import index, repeat, tables, writing
from bench.report.html.charts import percentiles, sweep
from bench.report.html.charts.figure import drawn
from bench.store import stored
from bench.store.runs import Run
from suite.errors import ResultsError
from tests import stored_run
from tests.stored_run import HOSTILE

SAID = r"point_read: asyncpg_async, 1000 users, [\d,]+ requests/s \([\d,]+ to [\d,]+\)"
GOLDEN = Path(__file__).with_name("report.txt")
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data:"
VOID = {"meta", "br", "img", "link", "input", "hr"}
SECTIONS = [
    "answer", "ranking", "throughput", "latency", "over-time", "costs", "sweeps", "timelines", "claims", "parity",
    "environment", "reading",
]  # fmt: skip


class Outline(HTMLParser):
    """What tests ask of a page: its elements with their attributes, ids, and whether all are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.wrong += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def words(text: str) -> str:
    """What a page says, line by line; of charts, title and description."""
    charts = re.sub(r"(<svg.*?</title>)(.*?</desc>).*?</svg>", r"\1: \2</svg>", text, flags=re.DOTALL)
    cells = re.sub(r"(?=</t[dh]>)", " | ", charts.partition("</style>")[2])
    lines = (" ".join(line.split()) for line in Outline(cells).text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)


@pytest.fixture(scope="module")
def text(made_up_run: Path) -> str:
    return (made_up_run / writing.REPORT).read_text()


@pytest.fixture(scope="module")
def outline(text: str) -> Outline:
    return Outline(text)


def test_the_pages_words_are_those_that_were_read(text: str) -> None:
    """All that a reader sees beside the charts' drawings. To change it: look at the page, then store these lines."""
    assert words(text) == GOLDEN.read_text()


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
    assert len(charts) == 16
    assert all(one["role"] == "img" and {one["aria-labelledby"], one["aria-describedby"]} <= ids for one in charts)
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert {one.get("scope") for one in outline.of("th")} == {"col", "row"}
    assert all(one.get("tabindex") == "0" for _, one in outline.elements if one.get("class") == "scroll")


def test_colours_come_from_the_style_sheet(text: str) -> None:
    """So that dark pages have light ink."""
    charts = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", charts)) <= {"#444444"}


def test_the_answer_says_what_served_most_and_where_the_knee_is(outline: Outline) -> None:
    """With its interval, the next cell and how it compares."""
    answer = re.search(r"point_read: asyncpg_async-users_1000 served most, .*", outline.text)
    assert answer is not None
    assert re.search(r"\(95% interval [\d,]+ to [\d,]+\), bound by service CPU; ", answer[0])
    assert "asyncpg_async: " in answer[0]


def test_a_round_that_is_not_there_is_named(made_up_run: Path) -> None:
    """Charts over time are of one round."""
    with pytest.raises(ResultsError, match="no round 9"):
        writing.write(made_up_run, chosen_round=9)


def test_a_run_without_a_measurement_has_no_page(tmp_path: Path) -> None:
    """Which is said."""
    stored_run.write(tmp_path / "empty", rounds=1)
    for place in (tmp_path / "empty" / "rounds").glob("*/*"):
        (place / "window.json").unlink()
    with pytest.raises(ResultsError, match="holds no measurement"):
        writing.write(tmp_path / "empty")


def test_the_index_lists_runs_newest_first_and_links_to_pages(made_up_run: Path, tmp_path: Path) -> None:
    """A run whose files cannot be read is listed, too; nothing in it is markup."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "status.json").write_text('{"state": "failed", "at": "2025-01-01T00:00:00"}')
    (broken / "plan.json").write_text("{")
    (tmp_path / "made-up").symlink_to(made_up_run)
    found = index.entries(tmp_path)
    assert [(one.name, one.state, one.link) for one in found] == [
        ("made-up", "partial", "made-up/report.html"),
        ("broken", "failed", ""),
    ]
    assert found[0].verdicts == "3 VALID, 1 INVALID"
    assert re.fullmatch(SAID, "; ".join(found[0].answers))
    shown = Outline(index.page(found))
    assert (shown.wrong, shown.of("img"), [one["href"] for one in shown.of("a")]) == ([], [], [found[0].link])
    assert HOSTILE in shown.text


def test_the_command_that_repeats_a_run_has_what_was_not_the_plans() -> None:
    """An option for each difference, the seed, and a word on another PostgreSQL."""
    written = file.read(file.find("smoke"))
    assert repeat.command("p.toml", written, written, None, private=True) == "bench run --plan p.toml"
    used = file.read(file.find("smoke"), {"users": [10, 20], "measure": 2.5, "services": ["asyncpg_async"]})
    assert repeat.command("p.toml", written, used, 7, private=False) == (
        "bench run --plan p.toml --services asyncpg_async --users 10,20 --measure 2.5 --seed 7 --database-url URL"
    )


def test_a_percentile_curve_is_by_nearest_rank_and_ends_where_too_few_lie_beyond() -> None:
    """Of 1..1000 ms with 100 beyond: from the smallest to the 90th percentile."""
    found = percentiles.curve(np.arange(1.0, 1001.0), 100)
    assert found is not None
    beyond, latency_ms = found
    assert (beyond[0], round(beyond[-1], 9), latency_ms[0], latency_ms[-1]) == (1.0, 10.0, 1.0, 900.0)
    assert percentiles.curve(np.arange(100.0), 100) is None


def test_a_sweep_of_so_few_requests_that_no_latency_is_known_has_its_throughput(made_up_run: Path) -> None:
    """Not even the median; the other half of the chart is left out."""
    [curve] = sweeps.curves(stored.outcome(made_up_run).ordered())
    points = tuple(
        replace(one, operations=(replace(one.total, latency_p50_ms=None, latency_p99_ms=None),)) for one in curve.points
    )
    whole, half = sweep.chart([curve]).svg, sweep.chart([replace(curve, points=points)]).svg
    assert ("p99 latency" in whole, "p99 latency" in half) == (True, False)
    assert "successes/s" in half


def test_what_others_waited_meanwhile_has_a_table(made_up_run: Path) -> None:
    """Where it was asked."""
    results = stored.outcome(made_up_run).ordered()
    assert tables.pings(results) is None
    asked = replace(results[0].total, ping_p50_ms=1234.56, ping_max_ms=5000.0)
    table = tables.pings([replace(results[0], operations=(asked,)), *results[1:]])
    assert table is not None
    assert table.rows == ((results[0].cell.slug, "1,234.6", "5,000"),)


def test_a_chart_escapes_its_names() -> None:
    """In title, description and the text that matplotlib draws; a dollar sign is no formula."""

    def draw(figure: Figure) -> None:
        figure.subplots().set_title(f"{HOSTILE} $x^2$")

    chart = drawn(HOSTILE, HOSTILE, 2.0, draw)
    outline = Outline(chart.svg)
    assert (outline.of("img"), outline.wrong, outline.text.count(HOSTILE)) == ([], [], 3)
    assert "$x^2$" in outline.text


def test_a_page_that_cannot_be_written_is_said_in_a_line(made_up_run: Path, tmp_path: Path) -> None:
    """The run is over and saved: nothing is raised."""
    said = io.StringIO()
    output.write_pages(Run(tmp_path), analysis.of(stored.outcome(made_up_run)), Console(file=said, width=40))
    assert said.getvalue().startswith(f"no report.html: cannot read {tmp_path / 'plan.json'}: ")
    assert said.getvalue().count("\n") == 1


def test_a_run_in_which_no_backend_was_seen_has_a_page(made_up_run: Path, tmp_path: Path) -> None:
    """As one of targets or of no_database alone: PostgreSQL had no connection of theirs at any moment."""
    folder = tmp_path / "run"
    shutil.copytree(made_up_run, folder)
    for path in folder.glob("rounds/*/*/pg_activity.csv"):
        heading = path.read_text().splitlines()[0]
        path.write_text(f"{heading}\n-1.0,0,0,0,0,0,0,0,\n1.0,0,0,0,0,0,0,0,\n")
    text = writing.write(folder).path.read_text()
    assert "Throughput, latency, CPU on one time axis" in text
    assert "backends on one time axis" not in text
