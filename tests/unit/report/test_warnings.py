"""A warning example is marked in every table, chart and sentence of a run, and what is wrong is said with it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from bench.analysis import analysis, parity
from bench.analysis.analysis import Analysis
from bench.analysis.parity import ParityFacts
from bench.analysis.recorded.loop_lag import Lag
from bench.compare import cells
from bench.plan.matrix import default_setup
from bench.plan.model import Load, Matrix, Plan
from bench.report.html import page, sections
from bench.report.html.sections import RunFacts
from bench.report.terminal import parity_table, ranking
from bench.store import rows
from bench.store.rows import Origin
from suite import catalogue
from tests.unit.analysis.outcome_of import cell, measured, outcome

NAME = "psycopg2_blocking"
UNMARKED = re.compile(rf"\b{NAME}\b(?!-\S+ \(!\))(?! \(!\))")
REASON = catalogue.service(NAME).warning


@pytest.fixture(scope="module")
def found() -> Analysis:
    """Of a run that has a warning example beside others."""
    made = outcome()
    for count in (5_000, 5_100):
        one = measured(count)
        beside = replace(one.evidence, ping_p50_ms=1.0, ping_max_ms=2.0, lag=Lag(1.0, 2.0, 3.0))
        made.add(cell(NAME), replace(one, evidence=beside))
    return analysis.of(made)


def printed(*parts: RenderableType) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        console.print(*parts)
    return capture.get()


def test_the_terminal_marks_it(found: Analysis) -> None:
    """In the answer, the ranking, the notes and the ratios."""
    text = printed(*(ranking.ranking(one, all_pairs=True) for one in found.rankings))
    assert len(re.findall(rf"{NAME} \(!\)", text)) >= 6
    assert UNMARKED.findall(text) == []
    assert text.count(REASON) == 1


def test_the_page_marks_it(found: Analysis, tmp_path: Path) -> None:
    """And says why above the answer; the command that repeats the run has the plain name."""
    plan = Plan(matrix=Matrix(scenarios=["point_read"], services=["psycopg2_sync", "asyncpg_async"]))
    facts = RunFacts("run", plan, "a plan", "finished", "", "", {}, f"bench run --name {tmp_path.name}", (), ())
    text = page.page(facts, found)
    assert len(re.findall(rf"{NAME} \(!\)", text)) >= 10
    assert UNMARKED.findall(text) == []
    assert text.index(REASON) < text.index("served most")
    assert [one for one in sections.of(facts, found)[0].notes if REASON in one] == [catalogue.service(NAME).caution]


def test_a_csv_has_the_plain_name(found: Analysis) -> None:
    """Its column of reasons says what is wrong."""
    written = rows.summary_rows(Origin("run"), Load(), found.results)
    mine = [one for one in written if one["service"] == NAME]
    assert mine
    assert all(one["slug"] == NAME and str(one["reasons"]).startswith(f"{NAME} (!) is a warning") for one in mine)
    assert not any(REASON in str(one["reasons"]) for one in written if one not in mine)


def test_parity_marks_it() -> None:
    """In the table and in the lines below it."""
    setups = {default_setup(name): ParityFacts(session=name) for name in (NAME, "asyncpg_async")}
    facts = parity.rows(setups)
    text = printed(parity_table.table(facts), *parity_table.lines(facts)).replace(f"{NAME} with", "")
    assert f"{NAME} (!) (idiomatic)" in text
    assert f"with {NAME} (!)" in printed(*parity_table.lines(facts))


def test_a_comparison_of_runs_marks_it() -> None:
    """Beside the axes on which cells differ."""
    known = dict.fromkeys(cells.IDENTITY, "") | {"service": NAME}
    few, many = (tuple((known | {"users": users}).values()) for users in ("1", "100"))
    name_of = cells.named([few, many])
    assert (name_of(few), name_of(many)) == (f"{NAME} (!), users 1", f"{NAME} (!), users 100")
