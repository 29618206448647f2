"""Targets: what stays unknown of them, what they are compared with, and what can be seen from outside."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from bench.analysis import analysis, bound, notes, pairs, sweeps, verdict
from bench.analysis.evidence import Evidence
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.analysis.recorded.ledger import Drift
from bench.compare.causes import RunConditions, obstacles
from bench.measure import targets
from bench.measure.gate import agreement, contract
from bench.measure.gate.agreement import ContractAnswer
from bench.plan import file, matrix
from bench.plan.model import Thresholds
from bench.plan.note import Kind
from bench.report.html import repeat
from bench.report.terminal import ranking
from suite.arrival import Arrival
from suite.errors import ServiceError
from tests.unit.evidence_of import evidence
from tests.unit.plan.plan_of import MINE, MINIMAL, URL, cells_of, written
from tests.unit.samples_of import in_window

LIMITS = Thresholds()
# On two CPUs, the load's and the database's is 0.
USED: dict[str, float] = {"database": 2.0, "load": 4.0, "target": 5.0}
STARTED = {"database": 2.0, "load": 4.0, "service": 5.0}


def foreign(*, cpu_s: dict[str, float] | None = None, busy: tuple[float, float], **changes: Any) -> Evidence:
    """Of a target; `busy` are the load's CPU and the services'."""
    machine = {
        "cpu_s": USED if cpu_s is None else cpu_s,
        "cpu_busy": dict(enumerate(busy)),
        "pool": None,
        "rss_peak_mb": {"load": 90.0},
    }
    return evidence(machine=machine, foreign=True, **changes)


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
    assert [note.about for note in notes.of_cells(2 * outcome.ordered()) if note.kind is Kind.TARGET] == ["mine"]


def measured(seen: Evidence) -> Measurement:
    count = seen.requests
    frame = pl.DataFrame({"operation": ["read_user"] * count, "error": [""] * count, "body_bytes": [9] * count})
    times = [pl.lit(1_000_000).alias(name) for name in ("latency_ns", "service_time_ns")]
    return Measurement(in_window(frame.with_columns(*times, pl.lit(value=True).alias("ok"))), seen)


@pytest.mark.parametrize(
    ("seen", "name", "by"),
    [
        (foreign(busy=(0.5, 0.5)), "VALID", ""),  # perhaps its pool, perhaps too few users
        (foreign(busy=(0.5, 0.99)), "VALID", "service CPU"),
        (foreign(busy=(0.5, 0.99), cpu_s=STARTED), "VALID", "service CPU"),  # the suite started it
        (foreign(busy=(0.5, 0.5), cpu_s=STARTED), "VALID", ""),
        (foreign(busy=(0.99, 0.5), cpu_s=STARTED), "FLOOR", "load"),  # it is on the services' CPUs, and not here
        (foreign(busy=(0.99, 0.99), cpu_s=STARTED), "VALID", "service CPU"),
        (foreign(busy=(0.99, 0.5), cpu_s=USED | {"target": 1.0}), "FLOOR", "load"),
        (foreign(busy=(0.99, 0.5)), "FLOOR", ""),  # the target itself fills the load's CPU
        (foreign(busy=(0.99, 0.99)), "VALID", "service CPU"),
        (foreign(busy=(0.99, 0.99), cpu_s={"load": 4.0}), "FLOOR", "load"),  # its processes are not seen
        (foreign(busy=(0.5, 0.99), cpu_s={"load": 4.0}), "VALID", ""),
        (foreign(busy=(0.5, 0.5), failures=2), "INVALID", ""),
        (foreign(busy=(0.5, 0.5), drift=Drift(-0.2, 0.001)), "INVALID", ""),
        (foreign(busy=(0.5, 0.5), arrival=Arrival.OPEN, offered_rps=100.0), "VALID", "offered rate"),
        (
            foreign(busy=(0.5, 0.5), arrival=Arrival.OPEN, offered_rps=200.0, backlog_end=1000),
            "VALID",
            "",
        ),  # it did not keep up
        (
            foreign(busy=(0.99, 0.5), arrival=Arrival.OPEN, offered_rps=200.0, backlog_end=1000),
            "INVALID",
            "",
        ),  # or the load did not
    ],
)
def test_verdicts_and_bounds_say_no_more_than_is_known(seen: Evidence, name: str, by: str) -> None:
    """Where it is not known whether a target was busy, a full load makes its figure a lower bound."""
    assert (verdict.of_measurement(seen, LIMITS).name, bound.of_measurement(seen, LIMITS).by) == (name, by)


@pytest.mark.parametrize(
    ("cpu_s", "ms", "in_a_round", "said"),
    [
        (STARTED, 5.0, 5.0, "a target at http://127.0.0.1:9000, no service of the suite; round trips, pool"),
        (USED, 5.0, None, "as seen on the port, and are not compared; round trips, pool"),
        ({"load": 4.0}, None, None, "CPU time, memory, round trips, pool and parity are not known"),
    ],
)
def test_what_its_processes_used_is_shown_and_compared_where_the_suite_started_them(
    tmp_path: Path, cpu_s: dict[str, float], ms: float | None, in_a_round: float | None, said: str
) -> None:
    """On the port may be a proxy: nothing follows from that figure."""
    [cell] = cells_of(tmp_path, MINIMAL + MINE, services=[]).values()
    if "service" in cpu_s:
        cell = replace(cell, setup=replace(cell.setup, command="uvicorn mine:app"))
        said = said.replace("the suite;", "the suite; started with `uvicorn mine:app`;")
    memory_mb = dict.fromkeys(cpu_s, 90.0)
    outcome = Outcome(cells=[cell])
    seen = foreign(busy=(0.5, 0.5), cpu_s=cpu_s)
    assert seen.machine is not None
    outcome.add(cell, measured(replace(seen, machine=replace(seen.machine, rss_peak_mb=memory_mb))))
    [result] = outcome.ordered()
    total = result.total
    assert (total.service_cpu_ms_per_request, total.service_rss_peak_mb) == (ms, None if ms is None else 90.0)
    assert total.of_rounds("service_cpu_ms_per_request") == (in_a_round,)
    assert total.database_cpu_ms_per_request is None
    assert [said in note.text for note in notes.of_cells([result]) if note.kind is Kind.TARGET] == [True]


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
    """Processes by the port; a port without a process, with the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        setup = replace(matrix.default_setup("asyncpg_async"), service="mine")
        setup = replace(setup, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        targets.check_reachable(setup)
        assert os.getpid() in targets.processes(setup.url)
        assert targets.notes(setup, ()) == []
        [note] = targets.notes(setup, (9999,))
        assert "taskset -c 9999" in note.text
    assert targets.processes(setup.url) == []
    [note] = targets.notes(setup, ())
    assert "cannot be seen" in note.text
    assert "UNJUDGED" in note.text
    with pytest.raises(ServiceError, match=rf"target mine does not answer on {setup.url} .*--target mine=URL"):
        targets.check_reachable(setup)
    assert [str(one) for one in targets.notes(replace(setup, url="http://192.0.2.1:9000"), (0,))] == [
        "mine: http://192.0.2.1:9000 is not on this machine: the load goes there over the network"
    ]
