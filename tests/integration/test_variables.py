"""What a user has set for other programs does not reach a measured service."""

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import inspection
from bench.measure.gate.inspection import ServerProcesses
from bench.plan.matrix import default_setup
from bench.plan.servers import SERVERS
from suite import catalogue
from tests.unit.measure.test_variables import MEANT_FOR_OTHERS

PATIENCE_S = 4.0  # after 5 s it would be killed
INSTALLED = [name for name, server in SERVERS.items() if not catalogue.missing([server.library])]
OURS = {"PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1", "PYTHONPATH": str(catalogue.CHECKOUT)}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("server", INSTALLED)
def test_a_service_has_an_environment_of_ours(
    server: str, stage: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the process that is started, nor a worker of it. One worker is known as one, and ends when asked to."""
    stage()
    for name, value in MEANT_FOR_OTHERS.items():
        monkeypatch.setenv(name, value)
    setup = replace(default_setup("no_database"), server=server)
    with Fleet(FleetSettings("postgresql://nobody@127.0.0.1:1/none", 10, ()), calls=False) as fleet:
        fleet.start({setup: tmp_path / "service.log"})
        [pid] = fleet.pids()
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            variables = (Path("/proc") / str(process.pid) / "environ").read_bytes().decode().split("\0")
            found = dict(one.partition("=")[::2] for one in variables if one)
            assert {name: value for name, value in found.items() if name.startswith("PYTHON")} == OURS
            assert not found.keys() & (MEANT_FOR_OTHERS.keys() - OURS.keys())
        assert len(family) == (1 if server == "uvicorn" else 2)
        assert inspection.server_processes(pid, None) == ServerProcesses(server, 1, None)
        with socket.create_connection(("127.0.0.1", catalogue.service("no_database").port)):
            began = time.monotonic()
            fleet.stop()
            assert time.monotonic() - began < PATIENCE_S
