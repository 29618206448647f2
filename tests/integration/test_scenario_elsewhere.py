"""A scenario in somebody's own folder: measured for real, then read, compared and continued without its file."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, copied, rows
from tests.unit.plan.test_outside import OWN

# Whatever else runs on the machine: what is looked at here is not how fast anything is.
PLAN = """\
[matrix]
scenarios = ["newest.py"]
services = ["asyncpg_async"]
users = 20
[load]
warm_up_s = 0.5
measure_s = 1
[rounds]
count = 2
ceilings = false
[database]
scale = 0.001
[verdict]
strangers = 1
strangers_elsewhere = 1
steal = 1
starved = 1
drift = 1
conservation = 1
transactions = 1
clock_jump_s = 60
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project for this module, with the services' ports free."""
    stage()
    yield from copied(tmp_path_factory.mktemp("elsewhere") / "checkout")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario and its plan, in a project whose own modules have the names of the suite's packages."""
    folder = tmp_path_factory.mktemp("project")
    for package in ("services", "locustfiles", "suite"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    (folder / "db.py").write_text("raise ImportError('the wrong one')\n")
    (folder / "newest.py").write_text(OWN)
    (folder / "plan.toml").write_text(PLAN)
    return folder / "newest.py"


@pytest.fixture(scope="module")
def runs(checkout: Checkout, own: Path) -> tuple[Path, Path]:
    """Two runs of it, the second with a changed file. Then the file is deleted."""
    code, printed = checkout.bench("run", "--plan", str(own.parent / "plan.toml"), "--name", "first")
    assert code == 0, printed
    assert "newest - The newest users." in printed
    own.write_text(OWN + "\n# changed\n")
    code, printed = checkout.bench(
        "run", "--plan", str(own.parent / "plan.toml"), "--name", "second", "--scenarios", str(own)
    )
    assert code == 0, printed
    own.unlink()
    return checkout.results / "first", checkout.results / "second"


@pytest.mark.slow
def test_a_run_keeps_the_file_that_it_measured(runs: tuple[Path, Path], own: Path) -> None:
    """And says where that was. Locust was started with the file itself."""
    for run, text in zip(runs, (OWN, OWN + "\n# changed\n"), strict=True):
        assert (run / "scenarios" / "newest.py").read_text() == text
        assert json.loads((run / "plan.json").read_text())["scenarios"] == {"newest": str(own)}
        [whole, one] = rows(run / "summary.csv")
        assert (whole["scenario"], whole["failures"], one["operation"]) == ("newest", "0", "list_users")
        assert int(one["requests"]) > 100


@pytest.mark.slow
def test_a_run_is_reported_and_compared_without_its_file(runs: tuple[Path, Path], checkout: Checkout) -> None:
    """From the copies; the changed file is a candidate cause."""
    before = (runs[0] / "summary.csv").read_bytes()
    code, printed = checkout.bench("report", "first")
    assert code == 0, printed
    assert "not on the page" not in printed
    assert (runs[0] / "summary.csv").read_bytes() == before
    assert "newest: The newest users." in (runs[0] / "report.html").read_text()
    code, printed = checkout.bench("compare", "first", "second", "--format", "markdown")
    assert code == 0, printed
    assert "scenario files" in printed
    assert "newest.py: " in printed
    assert "summary.csv, without intervals" not in printed


@pytest.mark.release
def test_a_run_is_continued_with_its_copy_and_not_with_a_changed_file(
    runs: tuple[Path, Path], checkout: Checkout, own: Path
) -> None:
    """The changed file is named before anything starts. Without it, the copy is measured."""
    run = runs[1]
    shutil.rmtree(run / "rounds" / "02")
    (run / "status.json").write_text(json.dumps({"state": "interrupted", "why": "Ctrl-C was pressed", "at": ""}))
    own.write_text(OWN)
    code, printed = checkout.bench("run", "--resume", "second")
    assert (code, f"the scenario {own} has changed since second measured it" in " ".join(printed.split())) == (1, True)
    own.unlink()
    code, printed = checkout.bench("run", "--resume", "second")
    assert code == 0, printed
    assert "although this differs" not in printed
    assert (run / "rounds" / "02" / "asyncpg_async" / "window.json").exists()
    assert json.loads((run / "plan.json").read_text())["scenarios"] == {"newest": str(own)}


@pytest.mark.release
def test_a_runs_plan_repeats_it_without_the_file(runs: tuple[Path, Path], checkout: Checkout) -> None:
    """The plan in the run's folder means the run's copy."""
    code, printed = checkout.bench("run", "--plan", str(runs[0] / "plan.toml"), "--dry-run")
    assert code == 0, printed
    assert "round 1: asyncpg_async" in printed
