"""Stacks as files of other tools."""

import json
from dataclasses import replace
from pathlib import Path

from bench.analysis import analysis
from bench.report import stack_files
from tests.unit.analysis.outcome_of import outcome
from tests.unit.analysis.profiling.profile_of import DRIVER, FAILED, READ


def test_a_profiled_cell_has_its_stacks_in_two_forms(tmp_path: Path) -> None:
    """Collapsed in ns, and for speedscope in ms. A cell without samples has none, and many a run no folder."""
    found = analysis.of(outcome())
    stack_files.write(tmp_path, found)
    assert not (tmp_path / stack_files.FOLDER).exists()
    stack_files.write(tmp_path, replace(found, profiles=(DRIVER, FAILED)))
    assert {one.name for one in (tmp_path / stack_files.FOLDER).iterdir()} == {
        "asyncpg_async.collapsed.txt", "asyncpg_async.speedscope.json",
    }  # fmt: skip
    assert (tmp_path / stack_files.FOLDER / "asyncpg_async.collapsed.txt").read_text().startswith(f"{READ} 150000\n")
    written = json.loads((tmp_path / stack_files.FOLDER / "asyncpg_async.speedscope.json").read_text())
    [one] = written["profiles"]
    assert one["endValue"] == sum(one["weights"])
    names = [written["shared"]["frames"][number]["name"] for number in one["samples"][0]]
    assert names == ["_run_module_as_main", "run", "read_user"]
