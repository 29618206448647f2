"""What `bench run --dry-run` prints, and that it measures nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.run import run
from bench.report.csv_tables import COMPARISON
from bench.store import runs
from suite import csv_writing


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    return tmp_path


def printed(*arguments: str) -> str:
    answer = CliRunner().invoke(run, ["--dry-run", "--seed", "7", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.output


def stored(folder: Path, *, plan: str, half: float) -> None:
    """A run of five rounds, of whose two pairs with the baseline one is that wide."""
    folder.mkdir()
    (folder / "plan.json").write_text(f'{{"name": "{plan}"}}')
    (folder / "summary.csv").write_text("")
    pair = {"operation": "all", "metric": "throughput_rps", "rounds": 5, "family": "with the baseline"}
    known = [pair | {"ci_low": 1.0, "ci_high": (1 + width) ** 2} for width in (half, half / 2)]
    other = pair | {"family": "all pairs", "ci_low": 0.1, "ci_high": 9.0}
    (folder / "comparison.csv").write_text(csv_writing.csv_text(COMPARISON, [*known, other]))


def test_cells_order_and_minutes_are_printed_and_nothing_is_measured(results: Path) -> None:
    """The order is that of the seed; the landmark takes turns in the first round."""
    text = printed()
    assert "6 cells, 5 rounds with 12 slices of each cell (12 s), about " in text
    assert [line.partition(":")[0].strip() for line in text.splitlines() if " in turns" in line] == [
        f"round {number}" for number in range(1, 6)
    ]
    assert "no_database" in text.partition("round 2")[0]
    assert "expected precision: not known" in text
    assert text == printed()
    assert list(results.iterdir()) == []


def test_the_precision_is_that_of_the_last_run_of_the_plan(results: Path) -> None:
    """Its widest interval of those with the baseline, for as many rounds and pairs. Other runs say nothing."""
    stored(results / "mine", plan="default", half=0.04)
    stored(results / "other", plan="smoke", half=0.9)
    (results / "damaged").mkdir()
    (results / "damaged" / "summary.csv").write_text("")
    (results / "damaged" / "plan.json").write_text('{"name": "default"}')
    options = ("--services", "psycopg2_sync,asyncpg_async,databases_async")
    assert "±4.0% for ratios of requests/s, by the spread of the run mine" in printed(*options)
    assert "±3.0%, with as many rounds as that takes, at most 20" in printed("--precision", "3%")


def test_too_few_rounds_are_said(results: Path) -> None:
    """With how many would do."""
    assert results.exists()
    assert "2 rounds are too few to compare 3 pairs" in printed("--rounds", "2")
