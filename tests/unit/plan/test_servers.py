"""A server is one row: whatever knows servers takes it from there."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from bench.cli import bench
from bench.measure import preflight
from bench.measure.fleet import serving, variables
from bench.plan import servers
from bench.plan.matrix import cells, default_setup
from bench.plan.model import Matrix, Plan
from bench.plan.servers import GRANIAN, GUNICORN, GUNICORN_ASGI, SERVERS, UVICORN
from suite.errors import PreflightError

OTHER = replace(
    UVICORN,
    name="other",
    title="another server",
    library="other",
    arguments=("other", "{application}", "{address}:{port}"),
    word="other",
    variables=("OTHER_",),
)


@pytest.fixture
def _a_row_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "SERVERS", {**SERVERS, "other": OTHER})
    for module in (serving, preflight):
        monkeypatch.setattr(module, "SERVERS", servers.SERVERS)


def plan(server: str, workers: int = 1) -> Plan:
    matrix = Matrix(scenarios=["point_read"], services=["asyncpg_async"], server=[server], workers=[workers])
    return Plan(matrix=matrix)


@pytest.mark.usefixtures("_a_row_more")
def test_a_row_is_all_that_a_server_needs() -> None:
    """Plans take its name, services start under it, and it is refused what it cannot do."""
    [cell] = cells(plan("other"))
    assert serving.command(cell.setup, "app:app", 8002) == [sys.executable, "-m", "other", "app:app", "127.0.0.1:8002"]
    with pytest.raises(ValidationError, match="the server other has one worker"):
        plan("other", workers=2)
    with pytest.raises(PreflightError, match="needs --server gunicorn or gunicorn-asgi: other listens on one address"):
        preflight.check_bind_host("127.0.0.1", [cell])
    with pytest.raises(ValidationError, match=r"Input should be 'gunicorn', 'gunicorn-asgi', .* or 'other'"):
        plan("unicorn")


def test_the_command_line_names_every_server() -> None:
    """In the help of `bench run`, and in `bench list`."""
    said = {command: CliRunner().invoke(bench, command).output for command in (("run", "--help"), ("list",))}
    titles = "gunicorn (with uvicorn's workers), gunicorn (with its own ASGI workers), uvicorn or granian."
    assert titles in re.sub(r"\s+", " ", said["run", "--help"])
    assert all(re.search(rf"{one.name}\W+{re.escape(one.title)}", said[("list",)]) for one in SERVERS.values())


def test_a_server_is_recognised_by_its_own_word() -> None:
    """No command line is that of two servers."""
    for name, server in SERVERS.items():
        command = serving.command(replace(default_setup("asyncpg_async"), server=name), "app:app", 8002)
        assert [one.name for one in SERVERS.values() if one.runs(command)] == [server.name]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_every_server_is_told_the_event_loop(loop: str) -> None:
    """In its command line; gunicorn has no option for uvicorn's workers, which read a variable."""
    for name in SERVERS:
        setup = replace(default_setup("no_database"), server=name, loop=loop)
        words = serving.command(setup, "app:app", 8010)
        told = serving.settings_of(setup, "postgresql://bench@127.0.0.1/none", 1)["LOOP"] == loop
        assert told if name == "gunicorn" else any(loop == word for word in words)


def test_no_server_takes_a_frozen_worker_for_hung() -> None:
    """While others have their turns, it would kill it."""
    assert ("--timeout", "0") in pairwise(GUNICORN.arguments)
    assert ("--timeout", "0") in pairwise(GUNICORN_ASGI.arguments)
    assert ("--timeout-worker-healthcheck", "3600") in pairwise(UVICORN.arguments)


def test_workers_are_counted_as_the_server_has_them() -> None:
    """Other servers' first process serves no one; uvicorn's does where there is one worker."""
    for server in (GUNICORN, GUNICORN_ASGI, GRANIAN):
        assert [server.workers(children) for children in (0, 1, 2)] == [0, 1, 2]
    assert [UVICORN.workers(children) for children in (0, 2)] == [1, 2]


def test_another_address_is_listened_on_beside_loopback() -> None:
    """Where the server can."""
    command = serving.command(default_setup("asyncpg_async"), "app:app", 8002, "192.0.2.7")
    assert [word for word in command if word.endswith(":8002")] == ["127.0.0.1:8002", "192.0.2.7:8002"]


def test_what_sets_a_server_up_is_left_out_of_its_environment() -> None:
    """Each row names its variables."""
    names = [name for server in SERVERS.values() for name in server.variables]
    assert variables.left_out(dict.fromkeys(names, "x")) == sorted(set(names))
