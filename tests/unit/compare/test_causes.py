"""What forbids a comparison, and what may explain a change."""

import copy
from typing import Any

import pytest

from bench.compare import causes
from bench.compare.causes import RunConditions
from bench.plan import file
from bench.plan.model import Matrix, Plan

ENVIRONMENT: dict[str, Any] = {
    "machine": {"cpu": "AMD EPYC", "cpus": 2, "memory_gib": 23.5, "system": "Linux 6.18", "architecture": "x86_64"},
    "placement": {"service": [1], "load": [0], "database": [0]},
    "versions": {"python": "3.11.7", "locust": "2.47.0"},
    "git": {"commit": "aaa", "modified": False},
    "database": {
        "server": "postgresql://bench:***@127.0.0.1:52585/bench",
        "private": True,
        "settings": {"shared_buffers": "256MB", "pg_stat_statements.track": "none"},
        "scale": 0.01,
        "dataset_version": 1,
        "checksum": "47fb",
    },
    "services": {
        "asyncpg_async": {"health": {"nonce": "1", "event_loop": "uvloop", "versions": {"asyncpg": "0.31.0"}}},
        "databases_async": {"health": {"nonce": "1", "versions": {"asyncpg": "0.31.0"}}},
    },
}
PLAN = file.read(file.find("default")).model_dump()


def environment(**changed: Any) -> dict[str, Any]:
    """ENVIRONMENT with values changed, by path with `__` between its parts."""
    made = copy.deepcopy(ENVIRONMENT)
    for path, value in changed.items():
        *parts, last = path.split("__")
        section = made
        for part in parts:
            section = section[part]
        section[last] = value
    return made


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ()),
        ({"machine__memory_gib": 23.4, "machine__system": "Linux 7.0", "git": None}, ()),
        ({"machine__memory_gib": 15.6}, ("machine.memory_gib: 23.5 -> 15.6",)),
        ({"machine__cpu": "Xeon", "machine__cpus": 8}, ("machine.cpu: AMD EPYC -> Xeon", "machine.cpus: 2 -> 8")),
        ({"database__checksum": "0000"}, ("database.checksum: 47fb -> 0000",)),
        ({"database__scale": 0.1}, ("database.scale: 0.01 -> 0.1",)),
    ],
)
def test_machine_and_data_must_be_the_same(changed: dict[str, Any], said: tuple[str, ...]) -> None:
    """Kernel, versions and a little more or less memory may differ."""
    assert causes.obstacles(RunConditions(ENVIRONMENT, PLAN), RunConditions(environment(**changed), PLAN)) == said


def test_the_plan_must_be_the_same_but_for_its_words_and_rounds() -> None:
    """What an open load's rate was found to be is a matter of each cell."""
    first = Plan(matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"])).model_dump()
    worded = first | {"title": "Other", "question": "Why?", "rounds": first["rounds"] | {"count": 9}}
    assert causes.obstacles(RunConditions(ENVIRONMENT, first), RunConditions(ENVIRONMENT, worded)) == ()
    smaller = first | {"matrix": first["matrix"] | {"users": [100]}}
    assert causes.obstacles(RunConditions(ENVIRONMENT, first), RunConditions(ENVIRONMENT, smaller)) == (
        "plan: matrix.users: 1000 -> 100",
    )
    open_, faster = (first | {"load": first["load"] | {"arrival": "open", "rate": rate}} for rate in (100.0, 200.0))
    assert causes.obstacles(RunConditions(ENVIRONMENT, open_), RunConditions(ENVIRONMENT, faster)) == ()
    batch, later = (first | {"load": first["load"] | {"arrival": "batch", "rate": rate}} for rate in (100.0, 200.0))
    assert causes.obstacles(RunConditions(ENVIRONMENT, batch), RunConditions(ENVIRONMENT, later)) == (
        "plan: load.rate: 100.0 -> 200.0",
    )


def test_what_is_not_known_is_not_taken_to_be_the_same() -> None:
    """A run without environment.json or plan.json."""
    assert causes.obstacles(RunConditions(None, PLAN), RunConditions(ENVIRONMENT, None)) == (
        "machine and data: unknown for the old run",
        "plan: unknown for the new run",
    )


def test_candidate_causes_are_grouped_and_told_once() -> None:
    """A library that two services have is one line; ports and nonces explain nothing."""
    later = environment(
        machine__system="Linux 7.0",
        placement__service=[0, 1],
        versions__locust="2.48.0",
        git={"commit": "bbb", "modified": True},
        database__server="postgresql://bench:***@127.0.0.1:1/bench",
        database__settings={"shared_buffers": "1GB", "pg_stat_statements.track": "all", "jit": "on"},
        services__asyncpg_async__health={"nonce": "2", "event_loop": "asyncio", "versions": {"asyncpg": "0.32.0"}},
        services__databases_async__health={"nonce": "2", "versions": {"asyncpg": "0.32.0"}},
    )
    later["services"]["psycopg2_sync"] = {"health": {"versions": {"psycopg2": "2.9"}}}
    assert causes.candidates(RunConditions(ENVIRONMENT, PLAN), RunConditions(later, PLAN)) == {
        "machine": ("system: Linux 6.18 -> Linux 7.0", "placement.service: 1 -> 0, 1"),
        "library versions": ("locust: 2.47.0 -> 2.48.0", "asyncpg: 0.31.0 -> 0.32.0"),
        "git commit": ("commit: aaa -> bbb", "files differ from the commit: new"),
        "PostgreSQL settings": (
            "shared_buffers: 256MB -> 1GB",
            "pg_stat_statements.track: none -> all",
            "jit: (not there) -> on",
        ),
        "services": ("asyncpg_async.health.event_loop: uvloop -> asyncio",),
    }


def test_a_changed_scenario_file_is_a_candidate_by_its_name() -> None:
    """Of a scenario from outside the tree, which the digest of the code does not cover."""
    before, after = (ENVIRONMENT | {"scenarios": {"newest": digest, "same": "1"}} for digest in ("aaa", "bbb"))
    assert causes.candidates(RunConditions(before, PLAN), RunConditions(after, PLAN)) == {
        "scenario files": ("newest.py: aaa -> bbb",)
    }


def test_what_else_the_machine_did_before_is_no_difference() -> None:
    """Each slice has its own figures of that, which decide."""
    runs = [
        RunConditions({**ENVIRONMENT, "busy": {"others": others, "processes": [{"name": "make"}]}}, PLAN)
        for others in (0.0, 1.5)
    ]
    assert causes.obstacles(*runs) == ()
    assert causes.candidates(*runs) == {}


def test_a_group_stays_short() -> None:
    """The first dozen, and how many more."""
    many = environment(versions={f"library{number}": "1" for number in range(20)})
    none = environment(versions={})
    lines = causes.candidates(RunConditions(none, PLAN), RunConditions(many, PLAN))["library versions"]
    assert (len(lines), lines[0], lines[-1]) == (13, "library0: (not there) -> 1", "and 8 more")
