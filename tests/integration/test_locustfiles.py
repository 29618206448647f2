"""Every scenario by a plain `locust` command, as a user types it, against real services."""

import csv
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest

from db import server
from db.address.dsn import Dsn
from db.data import checksum
from db.data.restore import restore
from suite import catalogue
from suite.service import Service
from tests.integration.checkout import wait_for

RUNS = (
    ("point_read", "psycopg2_sync"),
    ("point_read", "no_database"),
    ("list_page", "asyncpg_async"),
    ("read_many", "databases_async"),
    ("crud", "sqlalchemy_async"),
    ("synchronize", "psycopg3_async"),
    ("session_sleep", "psycopg3_sync"),
    ("slow_query", "peewee_sync"),
    ("relations", "sqlmodel_async"),
    ("stream", "psqlpy_async"),
    ("simulation", "sqlalchemy_sync"),  # alone: it computes, and requests to the same service would wait
)
OPTIONS = {
    "session_sleep": ("--sleep", "outside", "--seconds", "0.01"),
    "slow_query": ("--seconds", "0.01"),
    "relations": ("--loading", "join"),
    "stream": ("--session", "early", "--stream-share", "0.5", "--first-byte-s", "0", "--stream-s", "0.01"),
}
ASKED = {"stream": {"read_user", "stream_early"}}  # one of its four streams
FEWEST = {
    "simulation": 1,
    "crud": 1,
    "relations": 1,
}  # a computation of up to a second each; a tenth of a slow machine's requests
CRUD_SHARES = {"read_user": 0.5, "list_users": 0.2, "create_user": 0.1, "update_user": 0.1, "delete_user": 0.1}
FOREIGN = ("LOCUST_", "BENCH_", "DATASET_", "DATABASE_URL", "PG")
RUN_S = 3
Stats = dict[str, dict[str, Any]]
Ran = dict[tuple[str, str], tuple[int, Stats, str]]


def start_locust(home: Path, scenario: str, *options: str) -> subprocess.Popen[str]:
    """Plain Locust, started in the checkout by somebody with no configuration of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", f"locustfiles/{scenario}.py", *options],
        cwd=catalogue.CHECKOUT,
        env={**kept, "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def headless(home: Path, scenario: str, *options: str, users: int, seconds: int = RUN_S) -> subprocess.Popen[str]:
    load = ("-u", str(users), "-r", str(users), "-t", f"{seconds}s", "--dataset-users", str(users_of(options)))
    return start_locust(home, scenario, "--headless", *load, "--json", *options)


def users_of(options: Sequence[str]) -> int:
    return 1000 if "--dataset-users" not in options else int(options[options.index("--dataset-users") + 1])


def finished(process: subprocess.Popen[str]) -> tuple[int, Stats, str]:
    """Exit code, statistics by operation, and what was logged."""
    try:
        output, log = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output, log
    return process.returncode, {entry["name"]: entry for entry in json.loads(output)}, log


@pytest.fixture(scope="module")
def ran() -> Ran:
    """What runs ended with, kept for all tests."""
    return {}


@pytest.fixture
def runs(
    restored: Dsn,
    services: tuple[Service, ...],
    ran: Ran,
    tmp_path: Path,
) -> Ran:
    """All RUNS, side by side: what is looked at is whether they work, not how fast."""
    assert restored, services
    if not ran:
        begun = {
            run: headless(tmp_path, run[0], "--service", run[1], *OPTIONS.get(run[0], ()), users=5) for run in RUNS
        }
        ran.update({run: finished(process) for run, process in begun.items()})
    return ran


@pytest.mark.parametrize("run", RUNS, ids="-".join)
def test_a_scenario_runs(run: tuple[str, str], runs: Ran) -> None:
    """Exit code 0, requests for exactly the operations that the scenario names, and not one failure."""
    code, stats, log = runs[run]
    assert set(stats) == ASKED.get(run[0], set(catalogue.scenario(run[0]).operations))
    fewest = FEWEST.get(run[0], 20)
    assert all(entry["num_requests"] > fewest and entry["num_failures"] == 0 for entry in stats.values()), log
    assert code == 0
    assert "Traceback" not in log


@pytest.mark.parametrize("run", RUNS, ids="-".join)
def test_a_run_lasts_as_long_as_asked(run: tuple[str, str], runs: Ran) -> None:
    """The time that Locust takes to import a scenario does not count: users send requests for the whole time."""
    _, _, log = runs[run]
    lasted_s = (logged_at(log, "--run-time limit reached") - logged_at(log, "All users spawned")).total_seconds()
    assert RUN_S - 0.5 < lasted_s < RUN_S + 2, log


def logged_at(log: str, words: str) -> datetime:
    """When Locust logged the first line with these words."""
    line = next(line for line in log.splitlines() if words in line)
    return datetime.strptime(line[1:24], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)


@pytest.mark.slow
def test_services_run_side_by_side(restored: Dsn, services: tuple[Service, ...], tmp_path: Path) -> None:
    """Each has its share of the users, of an open rate, and rows of its own; `all` are those that can answer."""
    assert restored
    assert services
    sleep = ("--sleep", "outside", "--seconds", "0.01", "--service")
    able = [service for service in services if service.needs_database and not service.warning]
    arrivals = ("--arrival", "open", "--rate", str(8 * len(able)))
    begun = [
        headless(tmp_path, "session_sleep", *sleep, "all", *arrivals, users=16),
        headless(tmp_path, "session_sleep", *sleep, "asyncpg_async", "no_database", users=4),
    ]
    (code, every, log), (failed, two, _) = map(finished, begun)
    assert code == 0, log
    assert set(every) == {f"{service.name} session_sleep" for service in able}
    requests = [entry["num_requests"] for entry in every.values()]
    assert 20 <= min(requests) <= max(requests) <= min(requests) + 2, requests
    assert failed == 1  # one that cannot answer was asked for by name
    assert two["no_database session_sleep"]["num_failures"] == two["no_database session_sleep"]["num_requests"] > 0
    assert two["asyncpg_async session_sleep"]["num_failures"] == 0


def test_every_scenario_is_tried() -> None:
    """A new one has to be added to RUNS."""
    assert {scenario for scenario, _ in RUNS} == set(catalogue.scenarios())


@pytest.mark.slow
def test_crud_mixes_operations_as_it_says(
    restored: Dsn, services: tuple[Service, ...], tmp_path: Path, users: int
) -> None:
    """Shares within chance of those stated; the dataset's own rows untouched; a restore removes the load's."""
    assert services
    before = checksum.current(restored)
    code, stats, log = finished(headless(tmp_path, "crud", "--service", "asyncpg_async", users=20, seconds=4))
    assert code == 0, log
    requests = {name: entry["num_requests"] for name, entry in stats.items()}
    total = sum(requests.values())
    assert total > 500
    for name, share in CRUD_SHARES.items():
        # Five standard deviations, and the users that are in the middle of their round of writes.
        assert abs(requests[name] - share * total) < 5 * math.sqrt(total * share * (1 - share)) + 20, requests
    assert checksum.current(restored) == before
    with server.connect(restored) as conn:
        left = conn.execute("SELECT count(*) FROM users WHERE id > %s", [users]).fetchone()
        last = conn.execute("SELECT last_value > %s FROM users_id_seq", [users + 50]).fetchone()
    assert left is not None
    assert left[0] <= 20
    assert last == (True,)
    restore(restored)
    with server.connect(restored) as conn:
        assert conn.execute("SELECT count(*), max(id) FROM users").fetchone() == (users, users)
    assert checksum.current(restored) == before


def errors(folder: Path) -> set[str]:
    """What failed, as a run with `--csv FOLDER/x` named it."""
    with (folder / "x_failures.csv").open(newline="") as rows:
        return {row["Error"] for row in csv.DictReader(rows)}


@pytest.mark.slow
def test_a_wrong_status_is_a_named_failure(services: tuple[Service, ...], tmp_path: Path) -> None:
    """Ids beyond the dataset give 404: counted, named, and an exit code that says so."""
    assert services
    options = ("--service", "asyncpg_async", "--dataset-users", "5000", "--csv", str(tmp_path / "x"))
    code, stats, _ = finished(headless(tmp_path, "point_read", *options, users=2, seconds=2))
    assert code == 1
    failed, asked = stats["read_user"]["num_failures"], stats["read_user"]["num_requests"]
    assert 0.6 * asked < failed < asked
    assert errors(tmp_path) == {"status 404 instead of 200"}


@contextmanager
def impostor(status: int, body: bytes) -> Iterator[str]:
    """A server that gives everybody the same answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # as http.server names them

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


WRONG = {
    "other user": ("point_read", 200, b'{"id":1}', {"wrong body"}),
    "HTML": ("point_read", 200, b"<html>", {"body is not JSON"}),
    "empty page": ("list_page", 200, b"[]", {"wrong body"}),
    "empty object": ("crud", 201, b"{}", {"wrong id, name, email, created_at in body", "status 201 instead of 200"}),
    "list for an object": ("crud", 201, b"[]", {"wrong body", "status 201 instead of 200"}),
}


@pytest.mark.slow
def test_a_wrong_body_is_a_named_failure(tmp_path: Path) -> None:
    """Whatever it is: each request with a wrong answer is a failure, and none is lost. All of WRONG side by side."""
    with ExitStack() as stack:
        begun = {}
        for name, (scenario, status, body, _) in WRONG.items():
            folder = tmp_path / name
            folder.mkdir()
            host = stack.enter_context(impostor(status, body))
            options = ("--host", host, "--csv", str(folder / "x"), "--only-summary")
            begun[name] = headless(folder, scenario, *options, users=2, seconds=2)
        ended = {name: finished(process) for name, process in begun.items()}
    for name, (code, stats, log) in ended.items():
        scenario, _, _, expected = WRONG[name]
        assert code == 1, name
        assert "Traceback" not in log, name
        assert set(stats) <= set(catalogue.scenario(scenario).operations)
        assert all(entry["num_failures"] == entry["num_requests"] > 0 for entry in stats.values()), name
        assert set() < errors(tmp_path / name) <= expected, name


@pytest.mark.slow
def test_a_service_that_is_down_is_a_named_failure(tmp_path: Path) -> None:
    """Users pause after each failed attempt instead of burning CPU."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options = ("--host", url, "--csv", str(tmp_path / "x"))
    code, stats, _ = finished(headless(tmp_path, "point_read", *options, users=2, seconds=2))
    assert code == 1
    assert 2 <= stats["read_user"]["num_failures"] == stats["read_user"]["num_requests"] <= 40
    assert errors(tmp_path) == {"cannot connect: Connection refused"}


UNKNOWN = [f"{name}: cannot connect: Connection refused" for name in catalogue.usual()] + [
    "backends are unknown: DATABASE_URL is not set where Locust was started"
]


def test_a_plain_locust_has_the_suites_defaults(stage: Callable[..., None], tmp_path: Path) -> None:
    """Started in the checkout: 1000 users, a web UI that only this machine reaches, a tab that says what it lacks."""
    stage()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = start_locust(tmp_path, "point_read", "--web-port", str(port))
    try:
        page = get_when_up(f"http://127.0.0.1:{port}/", process)
        members = (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True))
        listening = {
            (connection.laddr.ip, connection.laddr.port)
            for member in members
            for connection in member.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {("127.0.0.1", port)}
        assert '"num_users": 1000' in page
        assert '"spawn_rate": 250' in page
        live = f"http://127.0.0.1:{port}/services/live"
        httpx.get(live, trust_env=False)  # the first look begins to ask
        assert wait_for(lambda: httpx.get(live, trust_env=False).json()["notes"] == UNKNOWN, 10)
    finally:
        process.terminate()
        process.communicate(timeout=45)


def get_when_up(url: str, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            return httpx.get(url, trust_env=False).text
        time.sleep(0.05)
    raise AssertionError("Locust's web UI does not come up")
