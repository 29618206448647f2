"""A page that is written, and what keeps one from being written."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.analysis import analysis
from bench.measure import output
from bench.report.html import writing
from bench.store import stored
from bench.store.runs import Run
from suite.errors import ResultsError
from tests import stored_run


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


def test_a_page_that_cannot_be_written_is_said_in_a_line(made_up_run: Path, tmp_path: Path) -> None:
    """The run is over and saved: nothing is raised."""
    said = io.StringIO()
    output.write_pages(Run(tmp_path), analysis.of(stored.outcome(made_up_run)), Console(file=said, width=40))
    assert said.getvalue().startswith(f"no report.html: cannot read {tmp_path / 'plan.json'}: ")
    assert said.getvalue().count("\n") == 1
