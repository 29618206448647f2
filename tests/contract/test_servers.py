"""Every server, on each event loop, with two workers: the same answers, and one service to anyone who looks at it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from bench.measure.fleet import serving
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import agreement, clients, contract, inspection
from bench.measure.gate.agreement import ContractAnswer
from bench.measure.gate.clients import side_by_side
from bench.measure.gate.contract import Check
from bench.plan.matrix import Setup, default_setup
from bench.plan.servers import GUNICORN_ASGI, SERVERS, UVICORN
from db.address.dsn import Dsn
from db.data import buyer
from db.data.restore import restore
from services.contract.operations import OPERATIONS
from suite import catalogue, prometheus, waiting
from suite.errors import ServiceError

INSTALLED = [name for name, server in SERVERS.items() if not catalogue.missing([server.library])]
PARSERS = {"gunicorn": "httptools", "uvicorn": "httptools", "gunicorn-asgi": "gunicorn", "granian": "hyper"}
SETUPS = tuple(
    replace(default_setup(name), server=server, loop=loop, workers=2, pool_size=2, threads=7, external_delay_s=0.0)
    for server in INSTALLED
    for name, loop in (("asyncpg_async", "uvloop"), ("psycopg2_sync", "asyncio"))
)
CREATED = 20
REFRESHED_S = 1.5


@pytest.fixture
def served(stage: Callable[..., None], restored: Dsn) -> tuple[Setup, ...]:
    """All of them, side by side."""
    assert restored
    stage(*SETUPS)
    return SETUPS


def ask(fleet: Fleet, setup: Setup, method: str, path: str, fields: dict[str, str] | None = None) -> httpx.Response:
    """Over a connection of its own, which any worker may take."""
    with clients.client(fleet.url(setup)) as client:
        return client.request(method, path, json=fields)


def label(setup: Setup) -> str:
    return f"{setup.service} under {setup.server}"


def test_answers_are_equal_under_every_server(served: tuple[Setup, ...], fleet: Fleet, restored: Dsn) -> None:
    """Those of the contract, also to bad requests; and so are the documents."""
    todo = contract.checks(fleet.settings.dataset_users, buyer.of_little(restored))

    def answers(setup: Setup, *, writing: bool) -> dict[Check, ContractAnswer]:
        these = [check for check in todo if OPERATIONS[check.operation].writes == writing]
        return agreement.run_service_checks(fleet.url(setup), catalogue.service(setup.service), these)

    read = side_by_side(lambda setup: answers(setup, writing=False), served)
    found = {}
    for setup, known in zip(served, read, strict=True):
        restore(restored)
        found[label(setup)] = known | answers(setup, writing=True)
    assert [str(one) for one in agreement.disagreements(found)] == []
    first, *others = side_by_side(lambda setup: agreement.openapi(fleet.url(setup)), served)
    assert all(other == first for other in others)


def test_each_says_what_runs_it(served: tuple[Setup, ...], fleet: Fleet, restored: Dsn) -> None:
    """Server, loop and parser, from within; server, workers and connections, from outside."""
    seen = inspection.processes_when_started(fleet.pids(), {setup.service: restored.port or 0 for setup in served})
    for setup in served:
        health = ask(fleet, setup, "GET", "/health").json()
        running = (health["server"], health["event_loop"], health["http_parser"])
        assert running == (setup.server, setup.loop, PARSERS[setup.server])
        assert ("granian" in health["versions"]) == (setup.server == "granian")
        assert (seen[setup].server, seen[setup].workers, seen[setup].connections) == (setup.server, 2, 4), label(setup)


def test_any_worker_answers_for_all(served: tuple[Setup, ...], fleet: Fleet) -> None:
    """Created users, pools, threads and CPU time are sums, whichever worker is asked."""

    def totals(setup: Setup) -> dict[str, float]:
        return dict(prometheus.totals(ask(fleet, setup, "GET", "/metrics").text))

    def counted(setup: Setup) -> tuple[Setup, set[float], dict[str, float]]:
        before = waiting.until(lambda: totals(setup), 15, enough=lambda found: found["workers"] == 2)
        for number in range(CREATED):
            fields = {"name": "A", "email": f"{number}@{setup.service}.{setup.server}"}
            assert ask(fleet, setup, "POST", "/users", fields).status_code == 201, label(setup)
        now = [totals(setup)["users_created_total"] - before["users_created_total"] for _ in range(10)]
        time.sleep(REFRESHED_S)
        return setup, {*now}, totals(setup)

    pids = {setup: pid for pid, setup in fleet.pids().items()}
    for setup, created, found in side_by_side(counted, served):
        assert created == {CREATED}, label(setup)
        threads = 2 * (7 if catalogue.service(setup.service).mode == "sync" else 40)  # anyio's own limit
        assert (found["workers"], found["pool_connections"], found["threads"]) == (2, 4, threads), label(setup)
        family = psutil.Process(pids[setup]).children(recursive=True)
        cpu_s = sum(sum(one.cpu_times()[:2]) for one in family)
        assert found["process_cpu_seconds_total"] == pytest.approx(cpu_s, rel=0.15, abs=0.15), label(setup)


def test_each_can_be_frozen(served: tuple[Setup, ...], fleet: Fleet) -> None:
    """With every process of its own; it goes on afterwards."""
    pids = {setup: pid for pid, setup in fleet.pids().items()}
    for setup in served:
        first = psutil.Process(pids[setup])
        fleet.freeze(setup)
        states = {one.status() for one in (first, *first.children(recursive=True))}
        fleet.thaw(setup)
        assert states == {psutil.STATUS_STOPPED}, label(setup)
        assert ask(fleet, setup, "GET", "/ping").status_code == 200


@pytest.mark.parametrize(
    ("setup", "runs", "said"),
    [
        (replace(default_setup("no_database"), server="granian"), UVICORN, "'uvicorn' in place of 'granian'"),
        (
            replace(default_setup("no_database"), server="gunicorn-asgi"),
            replace(
                GUNICORN_ASGI,
                arguments=tuple("asyncio" if word == "{loop}" else word for word in GUNICORN_ASGI.arguments),
            ),
            "'asyncio' in place of 'uvloop'",
        ),
    ],
    ids=["server", "loop"],
)
def test_what_runs_otherwise_is_refused(
    setup: Setup, runs: object, said: str, stage: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a package is missing and a server takes another one in silence."""
    stage()
    monkeypatch.setattr(serving, "SERVERS", {**SERVERS, setup.server: runs})
    with (
        Fleet(FleetSettings("postgresql://nobody@127.0.0.1:1/none", 10, ()), calls=False) as fleet,
        pytest.raises(ServiceError, match=said),
    ):
        fleet.start({setup: tmp_path / "service.log"})
