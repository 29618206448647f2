"""Traces of real services: what happens in which order, for every pool; and the timeline of a batch."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import polars as pl
import pytest

from bench import tracing
from bench.measure import cell, load, traced
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan import matrix, model
from bench.plan.costs import expected
from bench.plan.placement import Placement
from bench.tracing import events
from db.address.dsn import Dsn
from suite.arrival import Arrival
from suite.catalogue import CHECKOUT, service, services
from suite.service import Service

SELECT = "SELECT id, name, email, created_at FROM users WHERE id = "
RESET = [
    ("to PostgreSQL", f"execute prepared: {SELECT}$1"),
    ("from PostgreSQL", "1 row; idle"),
    ("to PostgreSQL", "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL"),
    ("from PostgreSQL", "1 row, CLOSE CURSOR ALL, UNLISTEN, RESET; idle"),
]


def transaction(query: str, end: str) -> list[tuple[str, str]]:
    return [
        ("to PostgreSQL", "BEGIN"),
        ("from PostgreSQL", "BEGIN; in transaction"),
        ("to PostgreSQL", query),
        ("from PostgreSQL", "1 row; in transaction"),
        ("to PostgreSQL", end),
        ("from PostgreSQL", f"{end}; idle"),
    ]


COLUMNS = "SELECT users.id, users.name, ... FROM users WHERE users.id = "
ORM = f"execute prepared: {COLUMNS}$1::BIGINT"


TOLD = [
    ("psycopg2_sync", transaction(f"{SELECT}3", "COMMIT"), "3 round trips, 3 statements."),
    ("asyncpg_async", RESET, "2 round trips, 5 statements."),
    ("databases_async", RESET, "2 round trips, 5 statements."),
    ("sqlalchemy_async", transaction(ORM, "ROLLBACK"), "3 round trips, 3 statements."),
    ("sqlalchemy_sync", transaction(f"{COLUMNS}3", "ROLLBACK"), "3 round trips, 3 statements."),
    ("psycopg3_sync", transaction(f"execute prepared: {SELECT}$1", "COMMIT"), "3 round trips, 3 statements."),
    ("psycopg3_async", transaction(f"execute prepared: {SELECT}$1", "COMMIT"), "3 round trips, 3 statements."),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said", "counted"), TOLD)
def test_a_point_read_is_told_message_by_message(
    restored: Dsn,
    users: int,
    stage: Callable[..., None],
    tmp_path: Path,
    name: str,
    said: list[tuple[str, str]],
    counted: str,
) -> None:
    """A connection is out for just the conversation, and free before the response is sent."""
    stage()
    setup = traced.setup_of(name, "read_user", "idiomatic")
    told = traced.traced(setup, "read_user", {}, restored, users, tmp_path)
    assert [(line.who, line.text) for line in told.lines] == [
        ("client", "sends GET /users/3"),
        ("service", "request received"),
        ("service", "connection checked out"),
        *said,
        ("service", "connection returned"),
        ("service", "response sent: 200"),
        ("client", "has the whole answer"),
    ]
    assert told.summary.startswith("The connection was freed ")
    assert told.summary.endswith(f"before the response was sent; {counted}")


OTHERS = [one for one in services().values() if one.needs_database and one.name not in {name for name, _, _ in TOLD}]


@pytest.mark.slow
@pytest.mark.parametrize("service", OTHERS, ids=lambda service: service.name)
def test_every_service_can_be_traced(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path, service: Service
) -> None:
    """With the uses of its pool, where that can be watched, and at the cost that its service.toml says."""
    stage()
    setup = traced.setup_of(service.name, "read_user", "idiomatic")
    told = traced.traced(setup, "read_user", {}, restored, users, tmp_path)
    pool = ["connection checked out", "connection returned"] if service.traced_pool else []
    assert [line.text for line in told.lines if not line.who.endswith("PostgreSQL")] == [
        "sends GET /users/3", "request received", *pool, "response sent: 200", "has the whole answer",
    ]  # fmt: skip
    cost = expected(service, "idiomatic", "read_user")
    trips, statements = (f"{count:g} {word}{'s' * (count != 1)}" for count, word in (
        (cost.round_trips, "round trip"), (cost.statements or 0, "statement"),
    ))  # fmt: skip
    assert told.summary.endswith(f"{trips}, {statements}.")


@pytest.mark.slow
@pytest.mark.parametrize("reads", [5, 6])
def test_reads_that_a_session_prepares_are_deallocated_with_it(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path, reads: int
) -> None:
    """psycopg prepares the sixth execution, and forgets all at the ROLLBACK that ends the session, as declared."""
    stage()
    setup = replace(traced.setup_of("sqlalchemy_async", "read_many", "idiomatic"), driver="psycopg")
    told = traced.traced(setup, "read_many", {"count": str(reads)}, restored, users, tmp_path)
    cost = expected(setup.described, "idiomatic", "read_many", times=reads)
    assert told.summary.endswith(f"{cost.round_trips:g} round trips, {cost.statements:g} statements.")
    assert any("DEALLOCATE ALL" in line.text for line in told.lines) == (reads == 6)


ASK = """
import asyncio, httpx
from bench.tracing.application import app

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://traced") as client:
        print(*(await client.get("/dependency")).json())

asyncio.run(ask())
"""


@pytest.mark.slow
def test_a_session_from_a_dependency_is_freed_after_the_response(restored: Dsn, tmp_path: Path) -> None:
    """One with `yield`, as FastAPI's tutorial has it; the connection is the one that the request used."""
    trace = tmp_path / "trace"
    variables = {
        "DATABASE_URL": restored.url,
        tracing.APPLICATION: "tests.integration.pooled:app",
        tracing.POOL: "sqlalchemy.pool:Pool",
        tracing.FILE: str(trace),
    }
    asking = subprocess.run(
        [sys.executable, "-c", ASK], cwd=CHECKOUT, env=os.environ | variables, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert asking.returncode == 0, asking.stderr
    found = list(events.read(trace))
    assert [event.name for event in found] == ["received", "checked out", "responded", "returned", "ended"]
    assert found[0].detail == "GET /dependency"
    assert len({event.request for event in found}) == 1
    assert {event.connection for event in found} - {None} == {int(asking.stdout)}


@pytest.mark.slow
def test_a_batch_shows_who_waited_for_a_connection(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """Six requests at once on a pool of two: all are in timeline.csv, and never more than two hold a connection."""
    stage()
    settings = model.Plan(
        matrix=model.Matrix(
            scenarios=["read_many"], services=["asyncpg_async"], pool_size=[2], users=[6], parameters={"count": [50]}
        ),
        load=model.Load(arrival=Arrival.BATCH, arrivals=6, timeline=True),
    )
    [batch] = matrix.cells(settings)
    shown: list[str] = []
    with Fleet(FleetSettings(restored.url, users, ()), traced=True) as fleet:
        target = load.LoadTarget(service("asyncpg_async").url, users, 1, ())
        server = Database(restored, private=True)
        attempt = cell.Attempt(settings, batch, target, Placement(), tmp_path)
        measured = cell.measure(attempt, fleet, server, cell.ProgressListener(show=shown.append))
    assert measured.evidence.problem == ""
    timeline = pl.read_csv(tmp_path / "timeline.csv")
    assert timeline["request"].to_list() == [1, 2, 3, 4, 5, 6]
    assert timeline["ok"].to_list() == [True] * 6
    moments = timeline.select("intended_s", "start_s", "held_from_s", "held_to_s", "end_s").rows()
    assert all(list(row) == sorted(row) for row in moments)
    changes = sorted((at, step) for row in moments for at, step in ((row[2], 1), (row[3], -1)))
    assert max(accumulate(step for _, step in changes)) == 2
    assert [line.count("#") > 0 for line in shown[0].splitlines()] == [True] * 7
