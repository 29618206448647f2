"""Applications of the user that the suite starts: real processes, in their folder, in a group that ends as a whole."""

import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bench.measure import targets
from bench.measure.fleet import applications, fleet
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan import matrix, placement
from bench.plan.matrix import Setup
from bench.plan.model import Target
from db import ports
from suite.errors import EndedError, PreflightError, ServiceError
from tests.integration.checkout import wait_for

PYTHON = shlex.quote(sys.executable)
DATABASE_URL = "postgresql://bench@127.0.0.1:1/none"
# It answers every request with its environment and its folder.
PROGRAM = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps([dict(os.environ), os.getcwd()]).encode()
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("listening")
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the application is."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.py").write_text(PROGRAM)
    return tmp_path / "own"


@pytest.fixture
def started() -> Iterator[Fleet]:
    """A fleet that ends at the end."""
    with Fleet(FleetSettings(DATABASE_URL, 10, placement.allowed_cpus()[-1:]), calls=False) as one:
        yield one


def mine(folder: Path, command: str = "{python} own.py {port}") -> Setup:
    port = ports.free()
    written = command.format(python=PYTHON, port=port)
    return matrix.setup_of(Target(name="mine", url=f"http://127.0.0.1:{port}", command=written, folder=str(folder)))


@pytest.mark.parametrize("command", ["{python} own.py {port}", "sh -c '{python} own.py {port}; true'"])
def test_it_is_started_in_its_folder_stopped_and_ended_with_all_that_it_started(
    folder: Path, started: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """With the database's address and the user's own variables; on the service's CPUs."""
    monkeypatch.setenv("MY_OWN_SETTING", "kept")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    setup, log = mine(folder, command), folder / "service.log"
    started.start({setup: log})
    assert started.url(setup) == setup.url
    environment, where = json.loads(httpx.get(setup.url, trust_env=False).text)
    assert (environment["DATABASE_URL"], environment["MY_OWN_SETTING"]) == (DATABASE_URL, "kept")
    assert not {"MALLOC_ARENA_MAX", "DATASET_USERS", "RUN_NONCE"} & environment.keys()
    assert where == str(folder)
    assert log.read_text().startswith("listening")
    if sys.platform == "linux":
        [pid] = targets.processes(setup.url)
        assert tuple(os.sched_getaffinity(pid)) == started.settings.cpus
        started.freeze(setup)
        assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
        started.thaw(setup)
    started.ensure(setup, log)  # it answers, so it goes on
    assert log.read_text().count("listening") == 1
    started.stop()
    assert not ports.answers(int(setup.url.rpartition(":")[2]))


def test_one_that_ended_is_started_again_where_it_is_needed(folder: Path, started: Fleet) -> None:
    """And that it ended is an error until then, with its log."""
    setup, log = mine(folder), folder / "service.log"
    started.start({setup: log})
    [pid] = started.pids()
    psutil.Process(pid).kill()
    assert wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 5)
    with pytest.raises(ServiceError, match=r"(?s)mine ended with exit code -9.*listening"):
        started.check_alive(setup)
    started.ensure(setup, log)
    assert httpx.get(setup.url, trust_env=False).status_code == 404


@pytest.mark.parametrize(
    ("command", "error", "said"),
    [
        ("{python} -c 'print(\"no such table\"); raise SystemExit(3)'", EndedError, "exit code 3:\n    no such table"),
        ("{python} -c 'print(\"waiting\"); import time; time.sleep(60)'", ServiceError, "within 2 s .*waiting"),
        ("sh -c 'setsid {python} own.py {port} & sleep 60'", ServiceError, "no process of the group.*a container"),
    ],
)
def test_one_that_does_not_serve_is_refused_with_the_end_of_its_log(
    folder: Path, started: Fleet, monkeypatch: pytest.MonkeyPatch, command: str, error: type[ServiceError], said: str
) -> None:
    """It ended, it does not answer, or what answers is not of its group."""
    monkeypatch.setattr(fleet, "START_TIMEOUT_S", 2.0)
    setup = mine(folder, command)
    try:
        with pytest.raises(error, match=f"(?s){said}"):
            started.start({setup: folder / "service.log"})
    finally:
        for pid in targets.processes(setup.url):  # the one that left the group
            psutil.Process(pid).kill()


def test_one_that_cannot_be_started_is_refused_before(folder: Path) -> None:
    """By its port, its folder, its program, its address; the remedy is named."""
    setup = mine(folder)
    applications.check([setup])
    with socket.create_server(("127.0.0.1", int(setup.url.rpartition(":")[2]))):
        refused = r"port \d+ is taken.*give target mine another port \(targets\.url and targets\.command\)"
        with pytest.raises(PreflightError, match=refused):
            applications.check([setup])
    refusals: tuple[tuple[dict[str, Any], str], ...] = (
        ({"folder": str(folder / "gone")}, r"there is no folder .*gone \(targets\.folder\)"),
        ({"command": "no-such-program 1"}, r"there is no program 'no-such-program' \(targets\.command\)"),
        ({"command": "./own.sh 1"}, r"there is no program '\./own\.sh'"),
        ({"url": "http://192.0.2.1:9000"}, r"http://192\.0\.2\.1:9000 is not on this machine"),
    )
    for changes, said in refusals:
        with pytest.raises(PreflightError, match=said):
            applications.check([replace(setup, **changes)])
    applications.check([replace(setup, command="uvicorn own:app")])  # the suite's own, where the user has none
