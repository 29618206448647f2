"""`bench run` from beginning to end, and every way of ending it early."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from bench.plan.note import Kind
from bench.store import stored
from bench.store.rows import SUMMARY
from suite import catalogue
from tests.integration.checkout import Checkout, copied, rows, wait_for

QUICK = ("run", "--plan", "smoke", "--users", "20", "--measure", "1", "--services", "asyncpg_async,psycopg2_sync")
TITLE = "smoke plan, overridden: services asyncpg_async, psycopg2_sync; 20 users; windows of 4 s"
COSTS = {"psycopg2_sync": (3, 3), "asyncpg_async": (2, 5)}
TRANSACTIONS = {"psycopg2_sync": 1, "asyncpg_async": 2}
BOTH = ["asyncpg_async", "psycopg2_sync"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project for this module, with the services' ports free."""
    stage()
    yield from copied(tmp_path_factory.mktemp("run") / "checkout")


@pytest.fixture(scope="module")
def finished(checkout: Checkout) -> Path:
    """The folder of a smoke run that went well."""
    code, printed = checkout.bench(*QUICK, "--name", "smoke", "--measure", "4")
    assert code == 0, printed
    assert "finished after" in printed
    assert "results: results/smoke" in printed
    assert f"{TITLE}\n" in printed
    assert printed.count("parity, library: protocol is") == 2
    return checkout.results / "smoke"


def test_a_run_leaves_a_row_for_each_service_and_operation(finished: Path) -> None:
    """summary.csv has the columns of the design in their order; nothing failed; what is unknown is empty."""
    assert (finished / "summary.csv").read_text().splitlines()[0] == ",".join(SUMMARY)
    summary = rows(finished / "summary.csv")
    assert sorted(row["service"] for row in summary if row["operation"] == "all") == BOTH
    assert {row["operation"] for row in summary} == {"all", "read_user"}
    for row in summary:
        assert (row["failures"], row["verdict"], row["users"], row["arrival"]) == ("0", "UNJUDGED", "20", "closed")
        assert float(row["throughput_rps"]) > 0
        assert row["offered_rps"] == ""
        assert (float(row["round_trips_per_request"]), float(row["statements_per_request"])) == COSTS[row["service"]]
        if row["operation"] == "all":
            assert row["bound_by"] in {"service CPU", "load", "pool", "database"}
            assert 0 < float(row["service_cpu_ms_per_request"]) < 20
            assert 0 < float(row["load_cpu_ms_per_request"]) < 5
            assert 20 < float(row["service_rss_peak_mb"]) < 500
            assert (row["connections_peak"], row["idle_in_transaction_peak"].isdigit()) == ("10", True)


def test_transactions_are_those_of_the_services_library(finished: Path) -> None:
    """Of the service that was measured first, within what a short window allows. Its late report may hide the other."""
    first = json.loads((finished / "plan.json").read_text())["order"][0][0]
    for row in rows(finished / "summary.csv"):
        if row["transactions_per_request"] or row["service"] == first:
            expected = TRANSACTIONS[row["service"]]
            assert float(row["transactions_per_request"]) == pytest.approx(expected, rel=0.1), row["service"]
    readings = rows(finished / "rounds" / "01" / first / "pg_activity.csv")
    assert readings[0]["transactions"] == "0"
    assert int(readings[-1]["transactions"]) > 100


def test_the_summary_follows_from_the_samples(finished: Path) -> None:
    """Its requests and its throughput can be counted in samples.parquet, with the window of window.json."""
    for row in rows(finished / "summary.csv"):
        folder = finished / "rounds" / "01" / row["service"]
        window = json.loads((folder / "window.json").read_text())
        samples = pl.read_parquet(folder / "samples.parquet")
        end = samples["start_ns"] + samples["service_time_ns"]
        begun = samples.filter(pl.col("intended_ns").is_between(window["start_ns"], window["end_ns"], closed="left"))
        inside = samples.filter((end >= window["start_ns"]) & (end < window["end_ns"]))
        assert len(begun) == int(row["requests"])
        assert float(row["throughput_rps"]) == pytest.approx(len(inside) / window["length_s"], rel=1e-4)


def test_a_reported_run_has_the_same_tables(finished: Path, checkout: Checkout) -> None:
    """What was written while measuring and what the stored samples give are the same bytes."""
    before = {path.name: path.read_bytes() for path in finished.glob("*.csv")}
    code, printed = checkout.bench("report", "smoke")
    assert (code, "the other CSVs" in printed) == (0, True), printed
    assert {path.name: path.read_bytes() for path in finished.glob("*.csv")} == before


def test_evidence_read_back_is_what_was_written(finished: Path) -> None:
    """It follows from the recording and the samples of each cell, and no remark says that window.json disagrees."""
    found = stored.outcome(finished)
    for result in found.ordered():
        place = finished / "rounds" / "01" / result.cell.slug
        written = json.loads((place / "window.json").read_text())["evidence"]
        [measured] = found.measured[result.cell]
        assert json.loads(json.dumps(measured.evidence.as_dict())) == written
        assert [remark for remark in result.remarks if remark.kind is Kind.DISAGREES] == []


def test_each_cell_has_statistics_in_locusts_layout(finished: Path) -> None:
    """The same columns as Locust's own file, which is kept beside the samples with its JSON and log."""
    for service in BOTH:
        ours = rows(finished / f"{service}_stats.csv")
        locusts = rows(finished / "rounds" / "01" / service / "locust_stats.csv")
        assert list(ours[0]) == list(locusts[0])
        assert [(row["Type"], row["Name"]) for row in ours] == [("GET", "read_user"), ("", "Aggregated")]
        assert float(ours[1]["Median Response Time"]) == pytest.approx(float(ours[1]["50%"]), rel=0.05)
        kept = {path.name for path in (finished / "rounds" / "01" / service).iterdir()}
        assert {
            "samples.parquet",
            "window.json",
            "recorded.json.gz",
            "resources.csv",
            "pg_activity.csv",
            "locust.json",
            "locust.log",
            "service.log",
        } <= kept
        assert "samples.bin" not in kept


def test_a_run_records_what_it_was_made_with(finished: Path) -> None:
    """Machine, placement, versions, settings, seed and order, in what its services differ; no password."""
    environment = json.loads((finished / "environment.json").read_text())
    assert environment["database"]["settings"]["synchronous_commit"] == "off"
    assert environment["database"]["settings"]["server_version"].startswith("18")
    assert sorted(environment["services"]) == BOTH
    assert environment["services"]["asyncpg_async"]["health"]["event_loop"] == "uvloop"
    assert "***" in environment["database"]["server"]
    assert "PYTHONPATH" in environment["variables"]["left_out"]  # the tests' own: it names this copy
    differing = {(row["fact"], row["whose"]) for row in rows(finished / "parity.csv") if row["whose"]}
    assert differing == {("protocol", "library"), ("transaction", "library"), ("session", "library")}
    plan = json.loads((finished / "plan.json").read_text())
    assert sorted(plan["order"][0]) == BOTH
    assert isinstance(plan["seed"], int)
    assert json.loads((finished / "status.json").read_text())["state"] == "finished"
    assert (finished.parent / "latest.html").readlink() == Path("smoke/report.html")


def test_a_runs_title_says_what_was_overridden(finished: Path) -> None:
    """On its page and in the index of all runs; the plan's own words are those of another run."""
    for page in (finished / "report.html", finished.parent / "index.html"):
        text = page.read_text()
        assert TITLE in text
        assert "Smoke test" not in text


def test_tables_can_be_read_with_their_types(finished: Path) -> None:
    """As results/README.md has it: Parquet as it is, and each CSV with the types of the data package."""
    runs = list(finished.parent.glob("*/summary.parquet"))
    assert runs == [finished / "summary.parquet"]
    table = pl.concat(pl.read_parquet(run) for run in runs * 2)
    assert table.filter(pl.col("operation") == "all")["slug"].to_list() == BOTH * 2
    assert table["started_at"].str.to_datetime(time_zone="UTC").null_count() == 0
    types = {"integer": pl.Int64, "number": pl.Float64, "string": pl.String}
    package = json.loads((finished / "datapackage.json").read_text())
    for resource in package["resources"]:
        fields = {field["name"]: types[field["type"]] for field in resource["schema"]["fields"]}
        typed = pl.read_csv(finished / resource["path"], schema=fields)
        assert typed.height == pl.read_parquet(finished / f"{resource['name']}.parquet").height


RECIPE = re.compile(r"^# (\w+)\n(.+?)(?=\n\n|\n```)", re.MULTILINE | re.DOTALL)
READ = {
    "DuckDB": "import duckdb\nfound = duckdb.sql({recipe!r}).fetchall()",
    "polars": "import polars as pl\nfound = {recipe}",
    "pandas": "import pandas as pd\nfrom pathlib import Path\nfound = {recipe}",
}
"""How each recipe of results/README.md is run: as it stands there."""


def test_the_recipes_read_two_runs_together(finished: Path, tmp_path: Path) -> None:
    """Without a cast, although whole columns of one run are unknown; the link to the newest run adds nothing."""
    for name in ("one", "two"):
        shutil.copytree(finished, tmp_path / "results" / name, ignore=shutil.ignore_patterns("rounds"))
    for link in finished.parent.glob("latest.*"):
        shutil.copy2(link, tmp_path / "results", follow_symlinks=False)
    text = (catalogue.CHECKOUT / "results" / "README.md").read_text()
    recipes = dict(RECIPE.findall(text.partition("## Read the tables")[2]))
    assert set(recipes) == set(READ)
    rows_of_all = 2 * len(rows(finished / "summary.csv"))
    for name, recipe in recipes.items():
        code = READ[name].format(recipe=recipe) + "\nprint(len(found))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        expected = 2 * len(BOTH) if name == "DuckDB" else rows_of_all  # that one asks for `all` only
        assert done.stdout.split() == [str(expected)], (name, done.stderr)


def test_nothing_runs_after_a_run(finished: Path, checkout: Checkout) -> None:
    """Services, Locust and the private PostgreSQL end with the run."""
    assert finished.exists()
    assert checkout.wait_until_empty() == []


@pytest.mark.release
def test_an_open_load_is_offered_at_its_rate(checkout: Checkout) -> None:
    """summary.csv has the offered rate and what was missed of it; throughput is the rate while the service keeps up."""
    arrival = ("--arrival", "open", "--rate", "200", "--services", "asyncpg_async")
    code, printed = checkout.bench(*QUICK, "--name", "open", *arrival)
    assert code == 0, printed
    [row] = [row for row in rows(checkout.results / "open" / "summary.csv") if row["operation"] == "all"]
    assert (row["arrival"], row["offered_rps"], row["missed_arrivals"]) == ("open", "200.0", "0")
    assert float(row["throughput_rps"]) == pytest.approx(200, rel=0.02)
    assert row["bound_by"] == "offered rate"


def test_two_runs_are_compared(finished: Path, checkout: Checkout) -> None:
    """A table, compare.csv and compare.html; one round has no interval, and so no regression is shown."""
    code, printed = checkout.bench("compare", "smoke", "smoke", "--fail-on-regression", "5%")
    assert code == 0, printed
    ratios = [row for row in rows(finished / "compare.csv") if row["metric"] == "throughput_rps"]
    assert [(row["ratio"], row["conclusion"], row["why"]) for row in ratios] == [
        ("", "not comparable", "UNJUDGED: old and new")
    ] * 4
    assert "have no interval and cannot show a regression" in printed
    assert "written: " in printed
    assert (finished / "compare.html").read_text().startswith("<!DOCTYPE html>")
    code, printed = checkout.bench("compare", "smoke", "smok")
    assert code == 1
    assert "there is no run 'smok'" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--plan", "smok"), ["there is no plan 'smok'", "did you mean 'smoke'"]),
        (("run", "--plan", "broken.toml"), ["broken.toml", "unknown key 'matrix.sevices'", "did you mean 'services'"]),
        (("run", "--services", "asyncpg"), ["there is no service 'asyncpg'", "did you mean 'asyncpg_async'"]),
        (("run", "--scenarios", "point"), ["there is no scenario 'point'", "did you mean 'point_read'"]),
        (("run", "--users", "0"), ["--users", "0"]),
        (("run", "--users", "5x"), ["--users", "5x"]),
        (("run", "--measure", "inf"), ["--measure", "inf"]),
        (("run", "--name", "../x"), ["'../x' cannot name a run"]),
        (("run", "--usres", "5"), ["--usres", "--users"]),
        (("runn",), ["there is no command 'runn'", "did you mean 'run'"]),
        (("run", "--database-url", "postgresql://me:secret@127.0.0.1:1/x"), ["127.0.0.1:1", "***"]),
        (("compare", "smoke"), ["smoke is only one run; name two"]),
        (("run", "--resume", "nowhere"), ["there is no run 'nowhere'", "those that can be resumed: "]),
        (("run", "--resume", "nowhere", "--users", "5", "--plan", "smoke"), ["--resume", "leave out --plan, --users"]),
        (("run", "--force"), ["--force can only be used with --resume"]),
    ],
)
def test_bad_input_is_one_message_and_exit_code_1(
    checkout: Checkout, arguments: tuple[str, ...], words: list[str]
) -> None:
    """The message names the thing and the value; no traceback, no secret, nothing left running."""
    (checkout.folder / "broken.toml").write_text('[matrix]\nscenarios = ["point_read"]\nsevices = ["asyncpg_async"]\n')
    code, printed = checkout.bench(*arguments)
    assert code == 1, printed
    for word in words:
        assert word in printed
    assert "Traceback" not in printed
    assert "secret" not in printed
    assert printed.count("error:") == 1
    assert checkout.processes() == []


def test_a_taken_port_is_named_with_its_holder(checkout: Checkout) -> None:
    """Nothing is started, and the stranger keeps the port."""
    with socket.create_server(("127.0.0.1", 8002)) as stranger:
        code, printed = checkout.bench(*QUICK)
        assert stranger.getsockname()[1] == 8002
    assert code == 1
    assert "port 8002 is taken by" in printed
    assert checkout.processes() == []


def test_results_that_cannot_be_written_are_named_before_any_load(checkout: Checkout) -> None:
    """Exit code 1 and the folder's path (a file stands in its place, since root may write anywhere)."""
    aside = checkout.results.rename(checkout.folder / "aside")
    checkout.results.write_text("in the way")
    try:
        code, printed = checkout.bench(*QUICK)
    finally:
        checkout.results.unlink()
        aside.rename(checkout.results)
    assert code == 1, printed
    assert f"cannot write to {checkout.results}" in printed
    assert checkout.processes() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.release)]
)
def test_an_interrupted_run_keeps_what_it_measured(checkout: Checkout, number: signal.Signals, code: int) -> None:
    """Within 5 s everything has ended; finished cells are readable, and the cell that was cut off kept its samples."""
    name = f"interrupted-{number.name}"
    run = checkout.results / name
    process = checkout.start(*QUICK, "--name", name, "--rounds", "9")
    second = wait_for(lambda: len(list(run.glob("rounds/*/*/samples.bin"))) > 0 and (run / "summary.csv").exists(), 60)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=5)
    assert second, printed
    assert process.returncode == code
    assert "Traceback" not in printed
    assert "interrupted after" in printed
    assert checkout.wait_until_empty(timeout_s=1) == []
    assert json.loads((run / "status.json").read_text())["state"] == "interrupted"
    assert [row for row in rows(run / "summary.csv") if row["verdict"] == "UNJUDGED"]
    assert list(run.glob("rounds/*/*/samples.bin")) == []
    for kept in run.glob("rounds/*/*/samples.parquet"):
        assert pl.read_parquet(kept).columns
    latest = checkout.results / "latest.html"
    assert not latest.is_symlink() or latest.readlink().parts[0] != name


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.release
def test_a_resumed_run_measures_what_is_missing_and_nothing_else(checkout: Checkout) -> None:
    """From an interrupted run to a whole one: every cell of every round, in the order that was drawn; the first cell's
    files are what they were, what was cut off is kept apart, and another environment is refused.
    """
    run = checkout.results / "resumed"
    process = checkout.start(*QUICK, "--name", "resumed", "--rounds", "2")
    second = wait_for(lambda: len(list(run.glob("rounds/*/*/samples.bin"))) > 0 and (run / "summary.csv").exists(), 90)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=10)
    assert second, printed
    assert process.returncode == 130, printed
    assert "bench run --resume resumed" in printed
    order = json.loads((run / "plan.json").read_text())["order"]
    first, cut_off = (run / "rounds" / "01" / slug for slug in order[0])
    before, status, planned = files_of(first), (run / "status.json").read_bytes(), (run / "plan.json").read_bytes()
    assert {"window.json", "samples.parquet"} <= set(before)
    assert not (cut_off / "window.json").exists()

    with patched(checkout, "asyncpg_async", lambda right: f"{right}\n# not what was measured\n"):
        code, printed = checkout.bench("run", "--resume", "resumed")
    assert code == 1, printed
    assert "resumed was measured in another environment" in printed
    assert "code: digest: " in printed
    assert (run / "status.json").read_bytes() == status

    code, printed = checkout.bench("run", "--resume", "resumed")
    assert code in {0, 3}, printed
    assert f"continuing resumed after round 1: {first.name}: 1 measured, 3 missing" in printed
    assert "finished after" in printed
    assert files_of(first) == before
    assert (run / "plan.json").read_bytes() == planned
    for number, slugs in enumerate(order, 1):
        for slug in slugs:
            place = run / "rounds" / f"{number:02d}" / slug
            assert (place / "window.json").exists() or (place / "problem.txt").exists()
    assert (cut_off / "cut-off-1" / "samples.parquet").exists()
    assert {row["rounds"] for row in rows(run / "summary.csv") if row["operation"] == "all"} == {"2"}
    said = json.loads((run / "status.json").read_text())
    assert (said["state"], [one["after"] for one in said["resumed"]]) == ("finished", [f"round 1: {first.name}"])
    assert f"UTC after round 1: {first.name}" in (run / "report.html").read_text()
    code, printed = checkout.bench("run", "--resume", "resumed")
    assert code == 1
    assert "the run resumed is finished: nothing is missing" in printed
    assert checkout.wait_until_empty() == []


@pytest.mark.faults
def test_children_die_with_a_killed_harness(checkout: Checkout) -> None:
    """After kill -9 nothing of the run is left, and the next run starts."""
    process = checkout.start(*QUICK, "--name", "killed", "--services", "asyncpg_async")
    assert wait_for(lambda: len(list((checkout.results / "killed").glob("rounds/*/*/samples.bin"))) > 0, 60)
    process.kill()
    process.communicate()
    assert checkout.wait_until_empty(timeout_s=10) == []
    code, printed = checkout.bench(*QUICK, "--name", "after", "--services", "asyncpg_async")
    assert code == 0, printed


@contextmanager
def patched(checkout: Checkout, service: str, change: Callable[[str], str]) -> Iterator[None]:
    """Have another app.py for a while."""
    app = checkout.folder / "services" / service / "app.py"
    right = app.read_text()
    assert change(right) != right
    app.write_text(change(right))
    try:
        yield
    finally:
        app.write_text(right)


@pytest.mark.slow
def test_a_wrong_answer_is_caught_before_it_is_measured(checkout: Checkout) -> None:
    """A service that answers fast and wrong fails verification by name, with exit code 3."""
    # Of a user of the dataset alone: rows that were just put there prove the table first.
    wrong = "return models.User(**{**row, 'name': 'Anybody' if row['id'] == 1 else row['name']})"
    with patched(checkout, "asyncpg_async", lambda right: right.replace("return models.User(**row)", wrong)):
        code, printed = checkout.bench(*QUICK, "--name", "wrong")
    assert code == 3, printed
    assert "asyncpg_async: user 1 (GET /users/1)" in printed
    assert "Anybody" in printed
    assert "--resume" not in printed
    assert not (checkout.results / "wrong").exists()
    assert checkout.wait_until_empty() == []


@pytest.mark.slow
def test_a_service_that_does_not_start_is_shown_with_its_log(checkout: Checkout) -> None:
    """Exit code 1 and the last lines of what it said. Nothing was measured: no folder, and nothing to resume."""
    with patched(checkout, "psycopg2_sync", lambda _: 'raise RuntimeError("the reason it gives")\n'):
        code, printed = checkout.bench(*QUICK, "--services", "psycopg2_sync", "--name", "unstarted")
    assert code == 1, printed
    assert not (checkout.results / "unstarted").exists()
    assert "--resume" not in printed
    assert printed.count("error:") == 1
    assert "could not start psycopg2_sync" in printed
    assert "the reason it gives" in printed
    assert checkout.wait_until_empty() == []
