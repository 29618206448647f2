"""How many rounds a run has: as many as planned, or as the spread of the first ones asks for, decided once."""

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from bench.analysis.outcome import Outcome
from bench.measure import rounds
from bench.measure.job import Job, RunRequest, decide
from bench.measure.progress import Display
from bench.measure.resuming import Earlier
from bench.measure.rounds import Stage
from bench.plan.model import Load, Matrix, Plan, Rounds
from bench.store.runs import Run
from tests.unit.analysis.outcome_of import measured

SERVICES = ["asyncpg_async", "psycopg2_sync"]
# Requests of the second service in each round; the first has 1,000 in each.
STEADY, WILD = (1000, 1002, 999, 1001), (1000, 1040, 980, 1010)


@dataclass
class Measured:
    """The rounds that were measured, and what was said."""

    job: Job
    stage: Stage
    printed: StringIO
    numbers: list[int] = field(default_factory=list)


def begun(folder: Path, counts: tuple[int, ...], *, earlier: Earlier | None = None, **more: Any) -> Measured:
    """Measure rounds with these requests of the second service, over and over."""
    planned = Rounds(count=3, seed=1, **({"precision": 0.03} | more))
    plan = Plan(matrix=Matrix(scenarios=["point_read"], services=SERVICES, users=[2]), rounds=planned, load=Load())
    job = decide(RunRequest(plan, Path("mine.toml"), None, None, earlier=earlier))
    outcome = Outcome(plan.verdict, job.cells, first_stage=planned.first_stage)
    printed = StringIO()
    (folder / "plan.json").write_text(json.dumps(job.as_dict(job.rounds)))
    display = Display(Console(file=printed, width=200), job.expected_s(job.rounds))
    stage = Stage(cast("Any", None), cast("Any", None), Run(folder), outcome, display)
    made = Measured(job, stage, printed)
    for number in rounds.numbers(job, stage):
        made.numbers.append(number)
        for cell in job.order[number - 1]:
            count = 1000 if cell.service == SERVICES[0] else counts[(number - 1) % len(counts)]
            outcome.add(cell, measured(count))
    return made


def planned_rows(folder: Path) -> int:
    return len(json.loads((folder / "plan.json").read_text())["order"])


def test_a_plan_without_a_precision_has_its_rounds(tmp_path: Path) -> None:
    """However much they differ."""
    assert begun(tmp_path, WILD, precision=None).numbers == [1, 2, 3]


def test_a_first_stage_that_is_narrow_is_all(tmp_path: Path) -> None:
    """Nothing is said, and plan.json keeps its rounds."""
    made = begun(tmp_path, STEADY)
    assert (made.numbers, planned_rows(tmp_path)) == ([1, 2, 3], 3)
    assert "intervals of" not in made.printed.getvalue()


def test_the_first_stage_decides_once(tmp_path: Path) -> None:
    """All rounds are in plan.json before the next begins; what they measure does not change their number.

    Ratios of 1, 1.04 and 0.98: (4.303 * 0.0301 / ln 1.03)^2 = 19.2.
    """
    needed = begun(tmp_path, WILD, most=99).numbers
    assert needed == list(range(1, 20 + 1))
    assert planned_rows(tmp_path) == 20
    calmer = begun(tmp_path, (*WILD[:3], *[1000] * 90), most=99)
    assert calmer.numbers == needed
    assert calmer.printed.getvalue().count("about 20 rounds for intervals of \N{PLUS-MINUS SIGN}3.0%") == 1


def test_there_are_no_more_rounds_than_the_plan_allows(tmp_path: Path) -> None:
    """And a line says how many it would take."""
    made = begun(tmp_path, WILD, most=7)
    assert (made.numbers, planned_rows(tmp_path)) == ([1, 2, 3, 4, 5, 6, 7], 7)
    assert "it would take about 20 rounds for intervals of" in made.printed.getvalue()
    assert "the plan allows 7" in made.printed.getvalue()


@pytest.mark.parametrize(("known", "numbers"), [(3, 7), (5, 5)])
def test_a_resumed_run_keeps_what_was_decided(tmp_path: Path, known: int, numbers: int) -> None:
    """Where plan.json has more rounds than the first stage; else the first stage decides, as it would have."""
    first = begun(tmp_path, WILD, most=7)
    order = tuple(tuple(cell.slug for cell in row) for row in first.job.order[:known])
    earlier = Earlier(Run(tmp_path), "mine", first.job.plan, 1, order, "interrupted", "")
    again = begun(tmp_path, WILD, most=7, earlier=earlier)
    assert again.numbers == list(range(1, numbers + 1))
    assert again.job.order == first.job.order


def test_a_precision_is_that_of_the_ratios_with_the_baseline(tmp_path: Path) -> None:
    """The two others are far apart in some rounds; each is 1% apart from the baseline."""
    services = [*SERVICES, "databases_async"]
    found = []
    for baseline in (SERVICES[0], ""):
        planned = Rounds(count=3, precision=0.03, most=99, baseline=baseline)
        plan = Plan(matrix=Matrix(scenarios=["point_read"], services=services, users=[2]), rounds=planned)
        job = decide(RunRequest(plan, Path("mine.toml"), None, None))
        made = Outcome(plan.verdict, job.cells, first_stage=3, baseline=baseline)
        for row in ((1000, 1010, 990), (1000, 990, 1010), (1000, 1000, 1000)):
            for cell, count in zip(job.cells, row, strict=True):
                made.add(cell, measured(count))
        display = Display(Console(file=StringIO()), 1.0)
        stage = Stage(cast("Any", None), cast("Any", None), Run(tmp_path), made, display)
        found.append(rounds.decided(planned, stage))
    # t of two, three intervals, 2 degrees of freedom: (6.205 * 0.01 / ln 1.03)^2, (7.649 * 0.02 / ln 1.03)^2.
    assert found == [5, 27]
