"""The other commands, as a user types them."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from bench.cli import COMMANDS
from bench.measure.fleet import ownership
from db.private import embedded
from suite import catalogue
from tests.integration.checkout import Checkout, copied, wait_for

UI_PORT = 8189


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project for this module, with the services' ports free."""
    stage()
    yield from copied(tmp_path_factory.mktemp("commands") / "checkout")


def test_help_names_every_command_and_is_there_at_once(checkout: Checkout) -> None:
    """`bench --help` imports no command: those take seconds."""
    code, printed = checkout.bench("--help")
    assert code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in printed] == []
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, bench.cli; print(*sys.modules)"],
        check=True, capture_output=True, text=True, cwd=checkout.folder,
    ).stdout.split()  # fmt: skip
    assert {"polars", "scipy", "matplotlib", "fastapi"}.isdisjoint(loaded)


def test_list_shows_all_there_is(checkout: Checkout) -> None:
    """Every service, scenario and plan, by name."""
    code, printed = checkout.bench("list")
    assert code == 0
    for name in (*catalogue.services(), *catalogue.scenarios(), *catalogue.plans()):
        assert name in printed
    assert all(one.caution in " ".join(printed.split()) for one in catalogue.services().values())


def test_doctor_says_whether_a_run_can_start(checkout: Checkout) -> None:
    """On a machine that runs these tests, it can; with a port taken, it says which and exits with 1."""
    code, printed = checkout.bench("doctor")
    assert code == 0, printed
    assert "ready: make bench" in printed
    with socket.create_server(("127.0.0.1", 8003)):
        code, printed = checkout.bench("doctor")
    assert code == 1
    assert "port 8003 is taken" in printed
    assert checkout.wait_until_empty() == []


def test_doctor_names_what_keeps_the_machine_busy_and_what_a_killed_run_left(checkout: Checkout) -> None:
    """A loop on one CPU, and a stopped process with the mark of a harness that has ended."""
    first = min(psutil.Process().cpu_affinity())
    loop = f"import os\nos.sched_setaffinity(0, {{{first}}})\nwhile True: pass"
    mark = {ownership.MARK: f"1 0 {checkout.folder}"}
    with (
        subprocess.Popen([sys.executable, "-c", loop]) as busy,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ | mark) as left,
    ):
        try:
            left.send_signal(signal.SIGSTOP)
            code, printed = checkout.bench("doctor")
        finally:
            busy.kill()
            left.kill()
    said = re.sub(r"[\s\u2502]+", " ", printed)
    assert code == 0, printed
    assert re.search(rf"other work note other processes used .* \(pid {busy.pid}\) \d\.\d\d CPU.*: close them", said)
    assert f"(pid {left.pid}, stopped) of a killed run (pid 1): the next run ends or moves back what is left" in said


@pytest.mark.slow
def test_the_database_can_be_started_loaded_checked_and_deleted(checkout: Checkout) -> None:
    """`db start` leaves it running, runs reuse it and leave it running, `db reset` removes it."""
    code, printed = checkout.bench("db", "start")
    assert code == 0, printed
    assert "***" in printed
    code, printed = checkout.bench("db", "load", "--scale", "0.001")
    assert code == 0, printed
    assert "1,000 users" in printed
    code, printed = checkout.bench("db", "check", "--scale", "0.001")
    assert code == 0, printed
    code, printed = checkout.bench("db", "check", "--scale", "0.01")
    assert code == 1
    assert "bench db load --scale 0.01" in printed
    assert "already running" in checkout.bench("db", "start")[1]
    assert embedded.running(embedded.locate(checkout.folder)) is not None
    assert checkout.bench("db", "stop")[1].strip() == "stopped"
    code, printed = checkout.bench("db", "reset", "--yes")
    assert code == 0, printed
    assert not embedded.locate(checkout.folder).home.exists()


@pytest.mark.release
def test_another_server_is_used_when_the_environment_names_it(checkout: Checkout) -> None:
    """DATABASE_URL: the dataset is loaded there and the services connect there; it is left running."""
    checkout.bench("db", "start")
    running = embedded.running(embedded.locate(checkout.folder))
    assert running is not None
    code, printed = checkout.bench(
        "verify", "--services", "asyncpg_async,psycopg2_sync", "--scale", "0.001", DATABASE_URL=running.dsn.url
    )
    assert code == 0, printed
    assert "2 services give the same answers" in printed
    assert running.dsn.password not in printed
    assert embedded.running(embedded.locate(checkout.folder)) is not None
    checkout.bench("db", "stop")


@pytest.mark.release
def test_the_web_ui_starts_a_test_against_each_service(checkout: Checkout) -> None:
    """`bench ui`: on loopback only; the service chosen is the one that gets the requests; Ctrl-C ends everything."""
    process = checkout.start("ui", "--port", str(UI_PORT), "--scale", "0.001")
    ui = f"http://127.0.0.1:{UI_PORT}"
    try:
        assert wait_for(lambda: _answers(ui), 40)
        assert _listening(UI_PORT) == {"127.0.0.1"}
        page = httpx.get(ui).text
        host = "chosen under Custom parameters"
        assert host in page
        for service in catalogue.usual().values():
            assert f'"{service.name}"' in page
            form = {
                "user_count": 3,
                "spawn_rate": 3,
                "host": host,
                "service": service.name,
                "user_classes": "PointRead",
            }
            assert httpx.post(f"{ui}/swarm", data=form).json()["success"]
            assert wait_for(lambda: _requests(ui) > 20, 10)
            assert _connected_to() == {service.port}
            assert httpx.get(f"{ui}/stats/requests").json()["errors"] == []
            httpx.post(f"{ui}/stop")
            assert wait_for(lambda: not _connected_to(), 10)
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
    assert process.returncode == 130, printed
    assert "everything has stopped" in printed
    assert "Traceback" not in printed
    assert checkout.wait_until_empty() == []


@pytest.mark.slow
def test_the_web_ui_needs_its_ports(checkout: Checkout) -> None:
    """Its own, the external API's and the services': one that is taken is named before anything starts."""
    for port, remedy in ((UI_PORT, "--port"), (8020, "external API"), (8002, "leave the service of this port out")):
        with socket.create_server(("127.0.0.1", port)):
            code, printed = checkout.bench("ui", "--port", str(UI_PORT), "--scale", "0.001")
        assert code == 1
        assert f"port {port} is taken" in printed
        assert remedy in printed
        assert "loading" not in printed
    assert checkout.bench("ui", "--port", "0")[0] == 1
    assert "did you mean 'crud'?" in checkout.bench("ui", "--scenario", "cruds")[1]
    assert checkout.wait_until_empty() == []


@pytest.mark.slow
def test_up_serves_until_ctrl_c(checkout: Checkout) -> None:
    """`bench up`: the services named answer on their ports."""
    process = checkout.start("up", "--services", "asyncpg_async,no_database", "--scale", "0.001")
    try:
        url = catalogue.service("asyncpg_async").url
        assert wait_for(lambda: _answers(f"{url}/users/1"), 40)
        assert re.fullmatch(
            r'\{"id":1,"name":"[^"]+","email":"user1@example.com",.*\}', httpx.get(f"{url}/users/1").text
        )
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
    assert process.returncode == 130, printed
    assert checkout.wait_until_empty() == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _requests(ui: str) -> int:
    total: int = httpx.get(f"{ui}/stats/requests").json()["stats"][-1]["num_requests"]
    return total


def _tcp(status: str) -> list[Any]:
    """All TCP connections in this state; their addresses have an ip and a port, which the types do not know."""
    return [one for one in psutil.net_connections("tcp") if one.status == status]


def _listening(port: int) -> set[str]:
    """The addresses on which somebody listens on this port."""
    return {one.laddr.ip for one in _tcp(psutil.CONN_LISTEN) if one.laddr.port == port}


def _connected_to() -> set[int]:
    """The services' ports that somebody is connected to now."""
    ports = {service.port for service in catalogue.services().values()}
    return {one.raddr.port for one in _tcp(psutil.CONN_ESTABLISHED)} & ports
