"""`bench compare` on stored runs: from their files to the exit code."""

import csv
import gzip
import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from bench.commands.compare import compare
from bench.plan.model import Load, Matrix, Plan
from bench.store.rows import SUMMARY, Origin, summary_rows
from suite import csv_writing
from suite.errors import BenchError, ResultsError, UsageError
from tests.unit.compare.test_figures import outcome
from tests.unit.evidence_of import evidence

PLAN = Plan(matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"], users=[2]))
ENVIRONMENT: dict[str, Any] = {
    "machine": {"cpu": "x", "cpus": 2, "memory_gib": 4.0, "architecture": "y", "system": "Linux 6"},
    "versions": {"locust": "2.47.0"},
    "git": {"commit": "aaa", "modified": False},
    "database": {"scale": 0.01, "dataset_version": 1, "checksum": "c", "settings": {"jit": "off"}},
    "services": {},
}


def stored(folder: Path, *counts: int, **environment: Any) -> Path:
    """A run with so many requests in each round's window of ten seconds."""
    folder.mkdir()
    summary = summary_rows(Origin(folder.name), Load(), outcome().ordered())
    (folder / "summary.csv").write_text(csv_writing.csv_text(SUMMARY, summary))
    (folder / "plan.json").write_text(json.dumps({"name": "mine", "plan": PLAN.model_dump()}))
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT | environment))
    for number, count in enumerate(counts, 1):
        place = folder / "rounds" / f"{number:02d}" / "asyncpg_async"
        place.mkdir(parents=True)
        starts = [round(index * 10e9 / count) for index in range(count)]
        columns = {"intended_ns": starts, "start_ns": starts, "service_time_ns": [1_000] * count}
        more = {"body_bytes": [100] * count, "operation": ["read_user"] * count, "error": [""] * count}
        pl.DataFrame(columns | more).write_parquet(place / "samples.parquet")
        window = {"start_ns": 0, "end_ns": 10_000_000_000, "users": 2}
        (place / "window.json").write_text(json.dumps({**window, "evidence": evidence(requests=count).as_dict()}))
    return folder


def bench_compare(*arguments: object) -> Result:
    """In this process; a command's return value is its exit code."""
    return CliRunner().invoke(compare, [str(one) for one in arguments], standalone_mode=False)


def failure(*arguments: object) -> BenchError:
    """What the command complains of."""
    error = bench_compare(*arguments).exception
    assert isinstance(error, BenchError)
    return error


def test_a_service_that_is_25_per_cent_slower_is_a_regression(tmp_path: Path) -> None:
    """Exit code 4, and a line for each figure that shows it; the same the other way round is none."""
    old, new = stored(tmp_path / "old", 4000, 4040, 3980), stored(tmp_path / "new", 3000, 3020, 2990)
    found = bench_compare(old, new, "--fail-on-regression", "5%")
    assert found.return_value == 4
    assert found.stderr.splitlines() == [
        "regression: asyncpg_async: requests/s 0.750 (0.738 .. 0.761), all of it below 0.95",
        "regression: asyncpg_async: CPU ms per request 1.334 (1.313 .. 1.355), all of it above 1.05",
        "1 of 5 figures have no interval and cannot show a regression",
    ]
    with (new / "compare.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["operation"] == "all"]
    assert [(row["metric"], row["conclusion"]) for row in rows] == [
        ("throughput_rps", "lower"),
        ("latency_p50_ms", "no difference shown"),
        ("latency_p99_ms", "not comparable"),
        ("service_cpu_ms_per_request", "higher"),
        ("service_rss_peak_mb", "no difference shown"),
    ]
    assert "<h1>old → new</h1>" in (new / "compare.html").read_text()
    assert bench_compare(new, old, "--fail-on-regression", "5%").return_value == 0
    assert bench_compare(old, new, "--fail-on-regression", "40%").return_value == 0
    assert bench_compare(old, new).return_value == 0


def test_a_service_that_was_lost_is_a_regression(tmp_path: Path) -> None:
    """One that became INVALID (no ratio is left), and one that the new run does not have: exit code 4, and its name."""
    old = stored(tmp_path / "old", 4000, 4040, 3980)
    new = stored(tmp_path / "new", 4000, 4040, 3980)
    place = new / "rounds" / "03" / "asyncpg_async"
    window = json.loads((place / "window.json").read_text())
    (place / "window.json").write_text(json.dumps({**window, "evidence": evidence(requests=0).as_dict()}))
    pl.read_parquet(place / "samples.parquet").head(0).write_parquet(place / "samples.parquet")
    found = bench_compare(old, new, "--fail-on-regression", "5%")
    line = "became INVALID: asyncpg_async: VALID in the old run, INVALID in the new one"
    assert found.return_value == 4
    assert found.stderr.splitlines()[0] == f"regression: {line}"
    assert line in found.stdout
    assert line in (new / "compare.html").read_text()
    assert f"**Worse, without a ratio**\n\n- {line}" in bench_compare(old, new, "--format", "markdown").stdout
    assert bench_compare(old, new).return_value == 0
    assert bench_compare(new, old, "--fail-on-regression", "5%").return_value == 0


def test_failures_that_rose_from_none_are_a_regression(tmp_path: Path) -> None:
    """36 of 40,000 (0.09%) where there were none; the cell is still VALID, and 0 has no ratio."""
    old, new = stored(tmp_path / "old", 20_000, 20_000), stored(tmp_path / "new", 20_000, 20_000)
    place = new / "rounds" / "02" / "asyncpg_async" / "samples.parquet"
    samples = pl.read_parquet(place)
    samples.with_columns(error=pl.Series(["late"] * 18 + [""] * 19_982)).write_parquet(place)
    found = bench_compare(old, new, "--fail-on-regression", "5%")
    line = "failures rose: asyncpg_async: 0 of 40,000 requests (0.000%) -> 18 of 40,000 requests (0.045%), p = 6e-06"
    assert (found.return_value, found.stderr.splitlines()[0]) == (4, f"regression: {line}")
    # The document names any rise, not only one by over 5%.
    assert "0.045%), p = 4e-06\n" in bench_compare(old, new, "--format", "markdown").stdout
    assert "0.045%), p = 4e-06<" in (new / "compare.html").read_text()
    assert bench_compare(new, old, "--fail-on-regression", "5%").return_value == 0


def test_what_differs_beside_the_figures_is_told(tmp_path: Path) -> None:
    """Versions and commits as candidate causes; another machine is refused, or marked."""
    old = stored(tmp_path / "old", 400, 410)
    git = {"commit": "bbb", "modified": False}
    new = stored(tmp_path / "new", 400, 405, git=git, versions={"locust": "2.48.0"})
    printed = bench_compare(old, new, "--format", "markdown").stdout
    assert "**Candidate causes**\n\n- library versions: locust: 2.47.0 -&#62; 2.48.0\n- git commit" in printed
    other = stored(tmp_path / "other", 400, 405, machine=ENVIRONMENT["machine"] | {"cpus": 64})
    refused = failure(old, other)
    assert (type(refused), refused.exit_code) == (ResultsError, 1)
    assert str(refused) == "old and other differ; --force compares them anyway:\n  machine.cpus: 2 -> 64"
    assert not (other / "compare.csv").exists()
    forced = bench_compare(old, other, "--force")
    assert "NOT ALIKE, compared because of --force: machine.cpus: 2 -> 64" in forced.stdout
    assert (other / "compare.csv").exists()


def test_files_of_locust_have_no_regression(tmp_path: Path) -> None:
    """They are compared, with what they cannot tell; whether there is a regression they do not say."""
    path = tmp_path / "x_stats.csv"
    path.write_text("Type,Name,Request Count,Failure Count,Requests/s,99%\nGET,/x,100,0,50.0,20\n")
    assert "One run each" in bench_compare(path, path).stdout
    assert "which Locust's own files do not have" in str(failure(path, path, "--fail-on-regression", "5%"))


def test_one_of_two_files_may_be_standard_input(tmp_path: Path) -> None:
    """Compressed, too, and whatever the name of the other ends in; not both."""
    text = "Type,Name,Request Count,Failure Count,Requests/s,99%\nGET,/x,100,0,50.0,20\n"
    path = tmp_path / "stats.txt"
    path.write_text(text)
    for arguments in ((path, "-"), ("-", path)):
        for content in (text.encode(), gzip.compress(text.encode())):
            words = [*map(str, arguments), "--format", "csv"]
            found = CliRunner().invoke(compare, words, input=content, standalone_mode=False)
            assert found.stdout == (
                "name,metric,old,new,ratio\nGET /x,Requests/s,50.0,50.0,1.0\nGET /x,99%,20.0,20.0,1.0\n"
            )
    assert "only one of the two files can come from standard input" in str(failure("-", "-"))
    assert "is a file and the other is not" in str(failure(path, "run"))


def test_20000_names_are_compared_in_seconds(tmp_path: Path) -> None:
    """The largest changes are printed, and a line that says how to see the others. As CSV all are there."""
    header = "Type,Name,Request Count,Failure Count,Average Response Time,Requests/s,50%,66%,75%,80%,90%,95%,98%,99%"
    paths = tmp_path / "a_stats.csv", tmp_path / "b_stats.csv"
    for path, step in zip(paths, (0, 1), strict=True):
        rows = [
            f"GET,/users/{number},100,0,10.5,{number / 1000 + 1},{','.join([str(10 + step * number)] * 8)}"
            for number in range(20_000)
        ]
        path.write_text("\n".join([header, *rows, f"PUT,/{step},1,0,1,1,1,1,1,1,1,1,1,1"]))
    started = time.monotonic()
    printed = bench_compare(*paths).stdout
    assert time.monotonic() - started < 30  # 2 s on a machine that does nothing else
    names = [line.split()[1] for line in printed.splitlines() if line.startswith(" GET ")]
    assert names == [f"/users/{number}" for number in range(19_999, 19_949, -1)]
    assert "19,950 more names, which changed less. For all of them: bench compare " in printed
    assert len(printed.splitlines()) < 600
    rows = bench_compare(*paths, "--format", "csv").stdout.splitlines()
    assert len(rows) == 1 + 20_000 * 10 + 2
    assert rows[-2:] == ["PUT /0,only in the old file,1.0,,", "PUT /1,only in the new file,,1.0,"]


def test_runs_are_printed_as_csv_too(tmp_path: Path) -> None:
    """What compare.csv has."""
    old, new = stored(tmp_path / "old", 400, 410), stored(tmp_path / "new", 400, 405)
    assert bench_compare(old, new, "--format", "csv").stdout == (new / "compare.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("one",), "one is only one run; name two"),
        (("one", "x_stats.csv"), "x_stats.csv is a file and the other is not"),
        (("none", "neither"), "there is no run 'none'"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, ...], message: str) -> None:
    """One message each."""
    error = failure(*arguments)
    assert isinstance(error, UsageError | ResultsError)
    assert message in str(error)
