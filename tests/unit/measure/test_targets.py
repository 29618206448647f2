"""Targets: what may be written, which cells they are, what stays unknown of them, and what can be seen from outside."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from bench.analysis import analysis, bound, pairs, sweeps, verdict
from bench.analysis.evidence import Evidence
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.analysis.recorded.ledger import Drift
from bench.analysis.rows import summary_rows
from bench.compare.causes import RunConditions, obstacles
from bench.measure import targets
from bench.measure.gate import agreement, contract
from bench.measure.gate.agreement import ContractAnswer
from bench.plan import address, file, matrix
from bench.plan.matrix import Cell
from bench.plan.model import Load, Thresholds
from bench.report.html import repeat
from bench.report.terminal import ranking
from suite.errors import PlanError, ServiceError
from tests.unit.evidence_of import evidence
from tests.unit.plan.test_plan import MINIMAL, written

URL = "http://127.0.0.1:9000"
MINE = f'[[targets]]\nname = "mine"\nurl = "{URL}"\n'
LIMITS = Thresholds()
# On two CPUs, the load's and the database's is 0.
USED: dict[str, float] = {"database": 2.0, "load": 4.0, "target": 5.0}


def cells_of(folder: Path, text: str, **options: Any) -> dict[str, Cell]:
    return {cell.slug: cell for cell in matrix.cells(file.read(written(folder, text), options))}


def foreign(*, cpu_s: dict[str, float] | None = None, busy: tuple[float, float], **changes: Any) -> Evidence:
    """Of a target; `busy` are the load's CPU and the services'."""
    machine = {
        "cpu_s": USED if cpu_s is None else cpu_s,
        "cpu_busy": dict(enumerate(busy)),
        "pool": None,
        "rss_peak_mb": {"load": 90.0},
    }
    return evidence(machine=machine, foreign=True, **changes)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "https://api.example", "http://[::1]:80", "http://localhost:9000/"]
)
def test_an_address_is_a_scheme_a_host_and_perhaps_a_port(url: str) -> None:
    """A slash at the end changes nothing."""
    assert address.checked(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:9000", "not the address"),
        ("localhost:9000", "not the address"),
        ("ftp://127.0.0.1", "not the address"),
        ("http://", "not the address"),
        ("http://:9000", "not the address"),
        ("http://127.0.0.1:0", "not the address"),
        ("http://127.0.0.1:99999", "out of range"),
        ("http://127.0.0.1:9000/api", "no path"),
        ("http://127.0.0.1:9000?x=1", "no path"),
        ("http://me:secret@127.0.0.1:9000", "would appear in the results"),
        ("http://127.0.0.1 :9000", "no spaces"),
        ("", "not the address"),
    ],
)
def test_other_addresses_are_refused_with_the_form_they_should_have(tmp_path: Path, url: str, words: str) -> None:
    """By option and by key."""
    with pytest.raises(PlanError) as caught:
        cells_of(tmp_path, MINIMAL, target=[("mine", url)])
    for word in ("--target", "url", words, "write it as http://host:port"):
        assert word in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(PlanError, match=r"targets\.url"):
        cells_of(tmp_path, MINIMAL + f'[[targets]]\nname = "mine"\nurl = "{url}"\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + MINE.replace("mine", "../x"), ["targets.name", "'../x'", "letters, digits"]),
        (MINIMAL + MINE.replace("mine", "a" * 65), ["targets.name", "at most 64"]),
        (MINIMAL + MINE.replace("mine", "asyncpg_async"), ["'asyncpg_async'", "name of a service"]),
        (MINIMAL + MINE.replace("mine", "external_api"), ["'external_api'", "name of a service"]),
        (MINIMAL + MINE + MINE, ["'mine'", "another target"]),
        (MINIMAL + '[[targets]]\nname = "mine"\n', ["targets.url is missing"]),
        (MINIMAL + MINE + "prot = 1\n", ["unknown key 'targets.prot'", "there are: name, url, title"]),
        (MINIMAL + "users = [1, 2]\n" + MINE + MINE.replace("mine", "mine-users_1"), []),
        (MINIMAL + "[rounds]\naa = true\n" + MINE.replace("mine", "asyncpg_async-aa"), ["two cells have the name"]),
        ('targets = 1\n[matrix]\nscenarios = ["point_read"]\n', ["targets", "1", "list"]),
        ('[matrix]\nscenarios = ["point_read"]\nservices = []\n', ["nothing to measure", "--target NAME=URL"]),
    ],
)
def test_targets_that_cannot_be_used_are_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    """By key and value; a name that only looks like another cell's is none."""
    if not words:
        assert len(cells_of(tmp_path, text)) == 6
        return
    with pytest.raises(PlanError) as caught:
        cells_of(tmp_path, text)
    for word in words:
        assert word in str(caught.value)


def test_a_target_is_one_cell_for_each_load(tmp_path: Path) -> None:
    """What its services vary in does not multiply it, and is not said of it."""
    axes = 'pool_size = [5, 10]\nprofile = ["idiomatic", "lean"]\nusers = [1, 9]\n[matrix.parameters]\ncount = [2, 3]\n'
    found = cells_of(tmp_path, MINIMAL.replace("point_read", "read_many") + axes + MINE)
    mine = [slug for slug, cell in found.items() if cell.service == "mine"]
    assert mine == [f"mine-users_{users}-count_{count}" for users in (1, 9) for count in (2, 3)]
    assert len(found) == 16 + 4
    cell = found["mine-users_9-count_3"]
    assert cell.axes == {"scenario": "read_many", "service": "mine", "arm": "", "users": 9, "count": 3}
    assert cell.as_dict()["setup"] == {"service": "mine", "arm": "", "url": URL, "title": ""}
    assert cell.setup.connections == 0


def test_the_option_adds_targets_to_the_plans_and_moves_them(tmp_path: Path) -> None:
    """Beside the services, or alone without them; the A/A arm is then the first target's."""
    moved = cells_of(tmp_path, MINIMAL + MINE, target=[("mine", "http://127.0.0.1:9001/"), ("other", URL)])
    urls = {slug: cell.setup.url for slug, cell in moved.items()}
    assert urls == {"asyncpg_async": "", "mine": "http://127.0.0.1:9001", "other": URL}
    alone = cells_of(tmp_path, MINIMAL + "[rounds]\naa = true\n", services=[], target=[("mine", URL)])
    assert list(alone) == ["mine", "mine-aa"]
    assert list(cells_of(tmp_path, '[matrix]\nscenarios = ["point_read"]\n' + MINE)) == ["mine"]


def test_a_run_with_targets_can_be_repeated(tmp_path: Path) -> None:
    """The command names those that the plan does not."""
    path = written(tmp_path, MINIMAL + MINE)
    used = file.read(path, {"services": [], "target": [("other", URL)]})
    said = repeat.command("mine.toml", file.read(path), used, 7, private=True)
    assert said == f"bench run --plan mine.toml --services '' --target other={URL} --seed 7"


def test_a_target_is_compared_with_every_setting_of_a_service(tmp_path: Path) -> None:
    """They differ in whose they are; a curve of the services stays one, and the target is on none."""
    found = cells_of(tmp_path, MINIMAL + "pool_size = [5, 10, 20]\n" + MINE)
    outcome = Outcome(cells=list(found.values()))
    for cell in found.values():
        outcome.add(cell, measured(foreign(busy=(0.5, 0.5)) if cell.setup.url else evidence()))
    rows = {(one.baseline, one.candidate) for one in pairs.compare(outcome.ordered())}
    assert {(slug, "mine") for slug in found if slug != "mine"} < rows
    [curve] = sweeps.curves(outcome.ordered())
    assert (curve.name, curve.values) == ("asyncpg_async", (5, 10, 20))
    with Console(width=200, record=True) as console:
        console.print(ranking.ranking(*analysis.of(outcome).rankings))
    assert "mine: a target at http://127.0.0.1:9000, no service of the suite" in console.export_text()
    assert len(ranking.targets_named(2 * outcome.ordered())) == 1


def measured(seen: Evidence) -> Measurement:
    count = seen.requests
    frame = pl.DataFrame({"operation": ["read_user"] * count, "error": [""] * count, "body_bytes": [9] * count})
    times = [pl.lit(1_000_000).alias(name) for name in ("latency_ns", "service_time_ns")]
    return Measurement(frame.with_columns(*times, pl.lit(value=True).alias("ok")), seen)


def test_what_is_not_known_of_a_target_is_empty(tmp_path: Path) -> None:
    """No zero, no setting of ours, nothing of a database that it may not use; what the load cost is known."""
    cell = cells_of(tmp_path, MINIMAL + MINE)["mine"]
    outcome = Outcome(cells=[cell], counted=True)
    outcome.add(cell, measured(foreign(busy=(0.5, 0.5))))
    row = next(row for row in summary_rows("run", Load(), outcome.ordered()) if row["operation"] == "all")
    unknown = (
        "profile", "server", "workers", "pool_size", "service_cpu_ms_per_request", "database_cpu_ms_per_request",
        "service_rss_peak_mb", "connections_peak", "idle_in_transaction_peak", "transactions_per_request", "bound_by",
        "round_trips_per_request", "statements_per_request",
    )  # fmt: skip
    assert {name: row[name] for name in unknown} == dict.fromkeys(unknown)
    assert (row["parameters"], row["verdict"]) == ("", "VALID")
    assert row["load_cpu_ms_per_request"] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("seen", "name", "by"),
    [
        (foreign(busy=(0.5, 0.5)), "VALID", ""),  # perhaps its pool, perhaps too few users
        (foreign(busy=(0.5, 0.99)), "VALID", "service CPU"),
        (foreign(busy=(0.99, 0.5), cpu_s=USED | {"target": 1.0}), "FLOOR", "load"),
        (foreign(busy=(0.99, 0.5)), "FLOOR", ""),  # the target itself fills the load's CPU
        (foreign(busy=(0.99, 0.99)), "VALID", "service CPU"),
        (foreign(busy=(0.99, 0.99), cpu_s={"load": 4.0}), "FLOOR", "load"),  # its processes are not seen
        (foreign(busy=(0.5, 0.99), cpu_s={"load": 4.0}), "VALID", ""),
        (foreign(busy=(0.5, 0.5), failures=2), "INVALID", ""),
        (foreign(busy=(0.5, 0.5), drift=Drift(-0.2, 0.001)), "INVALID", ""),
        (foreign(busy=(0.5, 0.5), arrival="open", offered_rps=100.0), "VALID", "offered rate"),
        (foreign(busy=(0.5, 0.5), arrival="open", offered_rps=200.0), "VALID", ""),  # it did not keep up
        (foreign(busy=(0.99, 0.5), arrival="open", offered_rps=200.0), "INVALID", ""),  # or the load did not
    ],
)
def test_verdicts_and_bounds_say_no_more_than_is_known(seen: Evidence, name: str, by: str) -> None:
    """Where it is not known whether a target was busy, a full load makes its figure a lower bound."""
    assert (verdict.of_measurement(seen, LIMITS).name, bound.of_measurement(seen, LIMITS).by) == (name, by)


def test_a_run_on_another_port_is_the_same_plan(tmp_path: Path) -> None:
    """It may be compared; one with another target may not."""
    environment = {"machine": {"cpu": "x"}}
    old, moved, other = (
        RunConditions(environment, file.read(written(tmp_path, MINIMAL), {"target": [given]}).model_dump())
        for given in (("mine", URL), ("mine", "http://127.0.0.1:9001"), ("other", URL))
    )
    assert obstacles(old, moved) == ()
    assert obstacles(old, other) == ("plan: targets: mine -> other",)


def test_a_target_is_asked_what_its_scenarios_do_and_no_more() -> None:
    """Its refusals are its own affair, but for what it must not find any more."""
    asked = agreement.target_checks(contract.checks(1000, 7), ["read_user", "delete_user"])
    assert [check.name for check in asked] == ["user 1", "user 500", "user 1000", "delete", "read the deleted"]


def test_wrong_answers_of_a_target_are_told_and_other_spellings_are_not() -> None:
    """The same JSON is the same answer; times without a Z get a hint."""
    check = next(one for one in contract.checks(1000, 7) if one.name == "user 1")
    assert check.body is not None
    spaced = check.body.replace(b'":', b'": ').replace(b',"', b', "')
    for body, status, words in (
        (check.body, 200, None),
        (spaced, 200, None),
        (check.body, 201, "expected status 200, got status 201"),
        (b"null", 200, "got status 200 null"),
        (b"", 200, "expected {"),
        (b"<html>", 200, "<html>"),
        (check.body.replace(b'Z"', b'+00:00"'), 200, "times end in Z"),
    ):
        wrong = agreement.target_disagreements("mine", {check: ContractAnswer(status, "application/json", body)})
        assert [words is not None and words in str(one) for one in wrong] == ([] if words is None else [True])


def test_who_listens_is_seen_and_who_does_not_is_named() -> None:
    """Processes by the port; a port that nobody has, with the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        setup = replace(matrix.default_setup("asyncpg_async"), service="mine")
        setup = replace(setup, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        targets.check_reachable(setup)
        assert os.getpid() in targets.processes(setup.url)
        assert targets.notes(setup, ()) == []
        [note] = targets.notes(setup, (9999,))
        assert "taskset -c 9999" in note
    assert targets.processes(setup.url) == []
    assert "cannot be seen" in targets.notes(setup, ())[0]
    with pytest.raises(ServiceError, match=rf"target mine does not answer on {setup.url} .*--target mine=URL"):
        targets.check_reachable(setup)
    assert targets.notes(replace(setup, url="http://192.0.2.1:9000"), (0,)) == [
        "mine: http://192.0.2.1:9000 is not on this machine: the load goes there over the network"
    ]
