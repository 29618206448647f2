"""A run read back from its folder."""

import json
from pathlib import Path

import pytest

from bench.analysis import rate
from bench.plan import file, matrix
from bench.store import stored


def test_a_run_whose_rate_was_found_is_read_back(tmp_path: Path) -> None:
    """plan.json then has the rate beside the share that it stands for; claims and cells are the plan's."""
    settings = file.read(file.find("latency"))
    written = rate.opened(settings, 800.0).model_dump()
    (tmp_path / "plan.json").write_text(json.dumps({"plan": written}))
    found = stored.outcome(tmp_path)
    assert (found.cells, found.claims) == (matrix.cells(settings), settings.claims)
    assert found.claims


def test_a_run_has_the_baseline_of_its_plan(tmp_path: Path) -> None:
    """A plan.json from before there was one has none."""
    written = file.read(file.find("default")).model_dump()
    (tmp_path / "plan.json").write_text(json.dumps({"plan": written}))
    assert stored.outcome(tmp_path).baseline == "psycopg2_sync"
    del written["rounds"]["baseline"]
    (tmp_path / "plan.json").write_text(json.dumps({"plan": written}))
    assert stored.outcome(tmp_path).baseline == ""


@pytest.mark.parametrize(("axis", "had", "other"), [("gc", "default", "freeze"), ("loop", "uvloop", "asyncio")])
def test_a_run_from_before_there_was_a_choice_had_what_all_had(axis: str, had: str, other: str) -> None:
    """Python's own garbage collection, and uvloop, whatever plans have by default today."""
    written = file.read(file.find("default")).model_dump()
    del written["matrix"][axis]
    found = stored.plan_of({"plan": written}).matrix
    assert (getattr(found, axis), axis in found.model_fields_set) == ([had], True)
    written["matrix"][axis] = [other]
    assert getattr(stored.plan_of({"plan": written}).matrix, axis) == [other]
