"""A run's copies of scenarios from outside the tree."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis import analysis
from bench.measure import resuming, runner
from bench.measure.job import RunRequest, decide
from bench.plan import file
from bench.report.html import writing
from bench.report.terminal import ranking
from bench.store import kept_scenarios, runs, stored
from suite import catalogue
from suite.catalogue import Scenario
from suite.errors import ResultsError
from tests import stored_run
from tests.unit.plan.test_outside import OWN, PLAN, own


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A scenario outside the tree, and a plan beside it."""
    path = own(tmp_path / "project")
    (path.parent / "own.toml").write_text(PLAN)
    return path


@pytest.fixture
def folder(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of it that was interrupted after its first measurement of two."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    plan = source.parent / "own.toml"
    reading = file.understood(plan, {"rounds": 2, "seed": 7})
    job = decide(RunRequest(reading.plan, plan, "run", None, outside=reading.outside))
    made = tmp_path / "results" / "run"
    stored_run.write(tmp_path / "other")
    (made / "rounds" / "01").mkdir(parents=True)
    shutil.copytree(tmp_path / "other" / "rounds" / "01" / "asyncpg_async-users_1000", made / "rounds/01/asyncpg_async")
    kept_scenarios.keep(made, reading.outside.values())
    (made / "plan.toml").write_text(PLAN)
    (made / "plan.json").write_text(json.dumps(job.as_dict(2)))
    (made / "status.json").write_text(json.dumps({"state": "interrupted", "why": "", "at": "2026"}))
    (made / "environment.json").write_text("{}")
    return made


def test_a_run_says_where_a_scenario_was_and_keeps_it(folder: Path, source: Path) -> None:
    """plan.json has the path; the copy is the file."""
    written = json.loads((folder / "plan.json").read_text())
    assert written["scenarios"] == {"newest": str(source)}
    assert (folder / "scenarios" / "newest.py").read_bytes() == source.read_bytes()
    assert written["plan"]["matrix"]["scenarios"] == ["newest"]


def test_a_run_is_read_where_the_file_has_gone(folder: Path, source: Path) -> None:
    """Its page has the summary of the copy, and the command that repeats it."""
    source.unlink()
    [cell] = stored.outcome(folder).cells
    assert (cell.operations, cell.described and cell.described.summary) == (("list_users",), "The newest users.")
    assert "newest: The newest users." in writing.write(folder).path.read_text()
    (folder / "plan.toml").write_text(PLAN.replace("newest.py", "crud.py"))
    assert "--scenarios results/run/scenarios/newest.py" in writing.write(folder).path.read_text()


def test_a_copy_of_a_name_that_the_tree_has_by_now_is_still_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's own is meant."""
    tree = {**catalogue.scenarios(), "newest": Scenario("newest", "The tree's.", ("read_user",), "Newest")}
    monkeypatch.setattr(catalogue, "scenarios", lambda: tree)
    assert [cell.operations for cell in stored.outcome(folder).cells] == [("list_users",)]


@pytest.mark.parametrize("text", [None, "def ("])
def test_a_copy_that_cannot_be_read_is_named_and_the_rest_is_reported(folder: Path, text: str | None) -> None:
    """As any other file of a run."""
    copy = folder / "scenarios" / "newest.py"
    copy.unlink() if text is None else copy.write_text(text)
    with pytest.raises(ResultsError, match=r"newest\.py"):
        stored.outcome(folder)
    found = stored.outcome(folder, what_there_is=True)
    assert "scenarios/newest.py" in found.unreadable[0]
    assert found.results
    assert "newest" in writing.write(folder).path.read_text()
    with pytest.raises(ResultsError, match=r"newest\.py"):
        resuming.read("run")


@pytest.mark.parametrize("value", [3, ["newest"], {"../newest": "/x"}, {"newest": 3}])
def test_a_plan_json_that_names_no_files_is_refused(value: Any) -> None:
    """A name that leads out of the folder, too."""
    with pytest.raises(ResultsError, match=r"plan\.json: scenarios"):
        kept_scenarios.origins({"scenarios": value})


def test_a_resumed_run_measures_the_file_or_the_copy(folder: Path, source: Path) -> None:
    """The file as long as it is there. plan.json keeps saying where it came from."""
    for wanted in (source, folder / "scenarios" / "newest.py"):
        earlier = resuming.read("run")
        assert earlier.missing == 1
        [again] = earlier.scenarios
        assert (again.scenario.path, again.has_changed) == (wanted, False)
        request = RunRequest(earlier.plan, folder / "plan.toml", None, None, earlier=earlier)
        assert decide(request).as_dict(2)["scenarios"] == {"newest": str(source)}
        source.unlink(missing_ok=True)


def test_a_file_that_has_changed_is_refused_by_name_before_anything_starts(folder: Path, source: Path) -> None:
    """The message has the copy and all remedies; the run's files stay as they are."""
    source.write_text(OWN + "# another\n")
    before = (folder / "status.json").read_bytes()
    earlier = resuming.read("run")
    own_ones = kept_scenarios.by_name(earlier.scenarios)
    request = RunRequest(earlier.plan, folder / "plan.toml", None, None, earlier=earlier, outside=own_ones)
    with pytest.raises(ResultsError) as caught:
        runner.run(request, Console(quiet=True))
    assert str(caught.value).startswith(f"the scenario {source} has changed since run measured it")
    assert str(folder / "scenarios" / "newest.py") in str(caught.value)
    assert (folder / "status.json").read_bytes() == before


def test_a_run_whose_scenario_has_left_the_tree_is_still_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the scenario's summary, on the page and in the terminal."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    stored_run.write(tmp_path / "run")
    left = {name: one for name, one in catalogue.scenarios().items() if name != "point_read"}
    summary = catalogue.scenario("point_read").summary
    assert summary in writing.write(tmp_path / "run").path.read_text()
    monkeypatch.setattr(catalogue, "scenarios", lambda: left)
    page = writing.write(tmp_path / "run").path.read_text()
    assert "point_read" in page
    assert summary not in page
    console = Console(record=True, width=120)
    console.print(ranking.ranking(analysis.of(stored.outcome(tmp_path / "run")).rankings[0]))
    assert "point_read\n" in console.export_text().replace(" ", "")
