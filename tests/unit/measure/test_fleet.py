"""Services as they are started: only those that run as their plan says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.measure.fleet import fleet
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan.matrix import Setup, default_setup
from suite.errors import ServiceError

SETTINGS = FleetSettings("postgresql://bench@127.0.0.1:1/none", 10, ())
AS_ASKED = {"server": "gunicorn", "event_loop": "uvloop", "driver": "", "gc": "default"}
PYTHONS_OWN = replace(default_setup("no_database"), gc="default")
FROZEN = replace(PYTHONS_OWN, gc="freeze")


class Child:
    """A process that was not started; it remembers with which environment it would have been."""

    pid = 0
    environments: list[dict[str, str]] = []  # noqa: RUF012  # one list for all

    def __init__(self, _command: list[str], *, log: Path, cwd: Path, environment: dict[str, str]) -> None:
        assert cwd
        self.log = log
        Child.environments.append(environment)

    def wait_until(self, look: Callable[[], Any], _timeout_s: float) -> Any:
        return look()

    def place(self, _cpus: tuple[int, ...]) -> bool:
        return True


def start(monkeypatch: pytest.MonkeyPatch, log: Path, setup: Setup, health: dict[str, Any]) -> Fleet:
    """A fleet with this one, which answers so to `GET /health`."""
    monkeypatch.setattr(fleet, "Child", Child)
    monkeypatch.setattr(fleet, "check_ports", lambda _: None)
    monkeypatch.setattr(fleet, "ask_health", lambda _: {"nonce": SETTINGS.nonce, **health})
    started = Fleet(SETTINGS, calls=False)
    started.start({setup: log})
    return started


@pytest.mark.parametrize("setup", [PYTHONS_OWN, FROZEN], ids=lambda setup: setup.gc)
def test_a_service_collects_garbage_as_its_plan_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setup: Setup
) -> None:
    """It is asked for it, and it answers that it does."""
    started = start(monkeypatch, tmp_path / "log", setup, AS_ASKED | {"gc": setup.gc})
    assert (started.health[setup]["gc"], Child.environments[-1]["GC"]) == (setup.gc, setup.gc)


@pytest.mark.parametrize(
    ("setup", "health", "said"),
    [
        (
            replace(default_setup("sqlalchemy_async"), driver="psycopg"),
            {"driver": "asyncpg"},
            "sqlalchemy_async runs on the driver 'asyncpg' in place of 'psycopg'",
        ),
        (FROZEN, {"gc": "default"}, "no_database runs with garbage collection 'default' in place of 'freeze'"),
        (PYTHONS_OWN, {"gc": "disabled"}, "garbage collection 'disabled' in place of 'default'"),
        (FROZEN, {"gc": None}, "garbage collection None in place of 'freeze'"),
        (FROZEN, {"gc": "freeze", "nonce": "another's"}, "another program answers"),
        (
            replace(PYTHONS_OWN, loop="uvloop"),
            {"event_loop": "asyncio"},
            r"with the event loop 'asyncio' in place of 'uvloop': install what uvloop needs .*\(--loop asyncio\)",
        ),
        (replace(PYTHONS_OWN, loop="asyncio"), {}, "the event loop 'uvloop' in place of 'asyncio': .*--loop uvloop"),
        (
            replace(PYTHONS_OWN, server="granian"),
            {"server": "uvicorn"},
            r"the server 'uvicorn' in place of 'granian': install what granian needs .*\(--server uvicorn\)",
        ),
        (replace(PYTHONS_OWN, server="gunicorn-asgi"), {}, "the server 'gunicorn' in place of 'gunicorn-asgi'"),
    ],
)
def test_one_that_runs_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setup: Setup, health: dict[str, Any], said: str
) -> None:
    """Its figures would be published under the wrong name."""
    with pytest.raises(ServiceError, match=said):
        start(monkeypatch, tmp_path / "log", setup, AS_ASKED | health)
