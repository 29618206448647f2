"""What is read of a run: its samples' figures, or what its summary has."""

import json
from pathlib import Path

import pytest

from bench.analysis import analysis
from bench.analysis.outcome import Outcome
from bench.analysis.recorded.windows import Window
from bench.compare import changes, figures
from bench.plan import file, metrics
from bench.plan.metrics import Place
from bench.plan.model import Load, Matrix, Plan
from bench.store.rows import SUMMARY, Origin, summary_rows
from suite import csv_writing
from suite.errors import ResultsError
from tests.unit.analysis.outcome_of import cell, measured
from tests.unit.evidence_of import GOOD

SERVICES = ["asyncpg_async", "psycopg2_sync"]
PLAN = Plan(matrix=Matrix(scenarios=["point_read"], services=SERVICES))
ENVIRONMENT = {"machine": {"cpu": "x"}}


def outcome() -> Outcome:
    made = Outcome()
    for count in (10_000, 10_200):
        made.add(cell("asyncpg_async"), measured(count))
    return made


def folder(path: Path, **files: str) -> Path:
    """A run without samples."""
    rows = summary_rows(Origin("x"), Load(), outcome().ordered())
    (path / "summary.csv").write_text(csv_writing.csv_text(SUMMARY, rows))
    (path / "plan.json").write_text(json.dumps({"name": "mine", "plan": PLAN.model_dump()}))
    (path / "environment.json").write_text(json.dumps(ENVIRONMENT))
    for name, text in files.items():
        (path / f"{name}.json").write_text(text)
    return path


def test_each_round_has_its_own_figures() -> None:
    """CPU time, memory and failures only of all operations together."""
    whole, read = figures.of_run(analysis.of(outcome()), Load())
    assert whole.rounds == {
        "throughput_rps": (1000.0, 1020.0),
        "latency_p50_ms": (50.0, 50.0),
        "latency_p99_ms": (99.0, 99.0),
        "service_cpu_ms_per_request": (0.98, pytest.approx(0.96078, abs=1e-5)),
        "service_rss_peak_mb": (80.0, 80.0),
        "failure_ratio": (0.0, 0.0),
    }
    assert (whole.operation, whole.round_count, whole.verdict) == ("all", 2, "VALID")
    assert (read.operation, tuple(read.rounds)) == ("read_user", ("throughput_rps", "latency_p50_ms", "latency_p99_ms"))
    assert set(whole.rounds) == set(metrics.names(Place.COMPARE))
    assert (whole.requests, whole.failures, whole.first_stage) == (20_200, 0, None)


def test_samples_and_summary_name_a_cell_alike(tmp_path: Path) -> None:
    """So that a run that lost its samples can still be held against one that has them."""
    kept, lost = figures.of_run(analysis.of(outcome()), Load()), figures.of_summary(folder(tmp_path) / "summary.csv")
    assert [(one.identity, one.operation) for one in kept] == [(one.identity, one.operation) for one in lost]
    assert [(one.requests, one.failures) for one in kept] == [(one.requests, one.failures) for one in lost]
    found = changes.compare(kept, lost)
    assert {one.why for one in found} == {"no samples of the new run: no interval"}
    assert [one.ratio for one in found] == [pytest.approx(1.0, rel=1e-5)] * len(found)


def test_a_run_without_samples_has_the_figures_of_its_summary(tmp_path: Path) -> None:
    """And says so; the facts are there all the same."""
    run = figures.read(folder(tmp_path))
    assert run.figures == figures.of_summary(tmp_path / "summary.csv")
    assert tuple(map(str, run.remarks)) == (
        f"{tmp_path.name}: there are no samples; its figures are those of summary.csv, without intervals",
    )
    assert (run.facts.environment, run.facts.plan) == (ENVIRONMENT, PLAN.model_dump())


def test_samples_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """One broken file of one round: the whole run is read from its summary."""
    place = folder(tmp_path) / "rounds" / "01" / "asyncpg_async"
    place.mkdir(parents=True)
    window, seen = Window(0, 10**10, 1), GOOD
    (place / "window.json").write_text(json.dumps({**window.as_dict(), "evidence": seen.as_dict()}))
    (place / "samples.parquet").write_text("PAR1")
    run = figures.read(tmp_path)
    [remark] = run.remarks
    assert "cannot read rounds/01/asyncpg_async/samples.parquet" in remark.text
    assert str(tmp_path) not in remark.text
    assert run.figures == figures.of_summary(tmp_path / "summary.csv")
    (place / "window.json").write_text("{}")
    [remark] = figures.read(tmp_path).remarks
    assert "cannot read rounds/01/asyncpg_async/window.json: start_ns: Field required" in remark.text


def test_a_run_that_did_not_finish_says_so(tmp_path: Path) -> None:
    """Its cells are compared as far as they go."""
    run = figures.read(folder(tmp_path, status='{"state": "interrupted", "why": "Ctrl-C was pressed"}'))
    assert str(run.remarks[0]) == f"the interrupted run {tmp_path.name}"


def test_facts_that_cannot_be_read_are_unknown(tmp_path: Path) -> None:
    """A plan of another version is kept as it stands, to be compared; one that is cut off is none."""
    other = folder(tmp_path, plan='{"plan": {"matrix": {}}}', environment="[]")
    run = figures.read(other)
    assert (run.facts.environment, run.facts.plan) == (None, {"matrix": {}})
    assert "cannot read environment.json: it holds no JSON object" in run.remarks[0].text
    assert "plan.json has a plan that this version cannot read" in run.remarks[1].text
    (other / "plan.json").write_text('{"pl')
    assert figures.read(other).facts.plan is None
    assert "plan.json is missing or cannot be read" in figures.read(other).remarks[1].text


def test_a_summary_that_is_cut_off_is_named_with_its_line(tmp_path: Path) -> None:
    """There is nothing to fall back on then."""
    path = folder(tmp_path) / "summary.csv"
    path.write_text(path.read_text()[:-200])
    with pytest.raises(ResultsError, match=r"summary\.csv, line 3: \d+ columns where the header has 49"):
        figures.read(tmp_path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match=r"summary\.csv, line 1: no column operation.*a summary\.csv of this suite"):
        figures.read(tmp_path)


def test_a_share_of_a_rate_is_compared_without_the_rate_that_was_found(tmp_path: Path) -> None:
    """plan.json then has the rate beside the share."""
    settings = file.read(file.find("latency")).model_dump()
    settings["load"]["rate"] = 801.0
    run = figures.read(folder(tmp_path, plan=json.dumps({"plan": settings})))
    assert run.facts.plan is not None
    assert (run.facts.plan["load"]["rate"], run.facts.plan["load"]["rate_share"]) == (801.0, None)
