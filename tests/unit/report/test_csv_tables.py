"""A run's CSVs, made again from its stored files by `bench report`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.analysis import analysis, ceilings
from bench.commands.report import report
from bench.plan.model import Load
from bench.report import csv_tables
from bench.store import runs, stored
from tests.unit.analysis.outcome_of import measured

PRINTED = "number of clients: 10\ntps = 24271.113925 (without initial connection time)\n"


@pytest.fixture
def run(made_up_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the made-up run, alone in results/."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    return Path(shutil.copytree(made_up_run, tmp_path / made_up_run.name))


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.csv")}


def reported(folder: Path) -> str:
    answer = CliRunner().invoke(report, [folder.name], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return " ".join(answer.output.split())


def test_a_reported_run_has_its_tables_again(run: Path) -> None:
    """Byte for byte, and also where one was lost; what the gate wrote is left alone."""
    before = texts(run)
    assert {"summary.csv", "comparison.csv", "claims.csv", "sweeps.csv", "ceilings.csv", "parity.csv"} < set(before)
    assert len([name for name in before if name.endswith("_stats.csv")]) == 4
    for name in ("comparison.csv", "claims.csv", "asyncpg_async-users_10_stats.csv"):
        (run / name).unlink()
    (run / "sweeps.csv").write_text("another formula\n")
    assert f"{run.name}/summary.csv and the other CSVs" in reported(run)
    assert texts(run) == before


def test_a_run_that_was_cut_short_before_its_tables_gets_them(run: Path) -> None:
    """Its samples say everything that they hold."""
    before = texts(run)
    (run / "summary.csv").unlink()
    found = analysis.of(stored.outcome(run, what_there_is=True))
    assert csv_tables.obstacle(run, found) == ""
    csv_tables.write(run, Load(), found, found.measured)
    assert texts(run) == before


def _lose_samples(run: Path) -> None:
    (run / "rounds" / "01" / "asyncpg_async-users_10" / "samples.parquet").unlink()


def _lose_a_round(run: Path) -> None:
    shutil.rmtree(run / "rounds" / "02")


def _still_running(run: Path) -> None:
    (run / "status.json").write_text(json.dumps({"state": "running"}))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_lose_samples, "not everything that they are made of can be read"),
        (_lose_a_round, "summary.csv is of 8 measurements, and samples of 4 are left"),
        (_still_running, "status.json says that the run is still going on"),
    ],
)
def test_tables_that_would_say_less_have_an_obstacle(run: Path, spoil: Callable[[Path], None], why: str) -> None:
    """In words, whatever it is that they would leave out."""
    spoil(run)
    assert csv_tables.obstacle(run, analysis.of(stored.outcome(run, what_there_is=True))) == why


def test_tables_with_an_obstacle_stay_as_they_are(run: Path) -> None:
    """The page is made nevertheless, and the reason is printed."""
    before = texts(run)
    for place in run.glob("rounds/*/*"):
        if place.name != "asyncpg_async-users_10":
            shutil.rmtree(place)
    (run / "report.html").unlink()
    why = "summary.csv is of 8 measurements, and samples of 2 are left"
    assert f"the CSVs stay as they are: {why}" in reported(run)
    assert texts(run) == before
    assert (run / "report.html").exists()


def test_a_ceiling_is_read_as_pgbench_printed_it(run: Path) -> None:
    """ceilings.csv has six digits of it, too few for the same shares once more; it serves where the print is lost."""
    (run / "ceilings.csv").write_text("service,pgbench_connections,pgbench_rps\nasyncpg_async-users_10,10,24271.1\n")
    printed = run / "pgbench" / "01" / ceilings.PRINTED  # 00 is of the one user of the first cell
    printed.parent.mkdir(parents=True)
    printed.write_text(PRINTED)
    assert list(stored.outcome(run).ceilings.pgbench_rps.values()) == [24271.113925]
    printed.write_text("number of cl")
    found = analysis.of(stored.outcome(run))
    assert [one.pgbench_rps for one in found.ceilings] == [None, 24271.1, 24271.1, 24271.1]
    assert "24271.1" in csv_tables.as_text(csv_tables.tables(csv_tables.origin(run), Load(), found))["ceilings.csv"]


def test_remarks_are_in_the_order_of_rounds(run: Path) -> None:
    """As they are while measuring: what a second measurement says stands before what the third does."""
    for number, text in ((1, "Locust counted 3"), (2, "Locust counted 4")):
        path = run / "rounds" / f"{number:02d}" / "asyncpg_async-users_10" / "window.json"
        facts = json.loads(path.read_text())
        facts["evidence"]["miscounted"] = text
        path.write_text(json.dumps(facts))
    first = run / "rounds" / "02" / "asyncpg_async-users_10"
    (first / runs.FIRST_ATTEMPT).mkdir()
    (first / runs.FIRST_ATTEMPT / "problem.txt").write_text("Locust ended\n")
    [result] = [one for one in stored.outcome(run).ordered() if one.cell.users == 10]
    assert tuple(map(str, result.remarks)) == (
        "round 1: Locust counted 3",
        "round 2: measured again after: Locust ended; 0 of 10 users were running",
        "round 2: Locust counted 4",
    )


def test_statistics_have_locusts_layout_and_exact_values() -> None:
    """A row an operation and Aggregated; failures count as requests, as in Locust's own file."""
    [read, total] = csv_tables.locust_rows(measured(1000, failed=10).samples, 10.0)
    assert (read["Type"], read["Name"], total["Type"], total["Name"]) == ("GET", "read_user", "", "Aggregated")
    assert (total["Request Count"], total["Failure Count"], total["Requests/s"], total["Failures/s"]) == (
        1000,
        10,
        100,
        1,
    )
    assert (total["50%"], total["99%"], total["100%"], total["Min Response Time"]) == (50, 99, 100, 1)
    assert list(total) == list(csv_tables.LOCUST_COLUMNS)
