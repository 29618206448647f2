"""What operations cost in the database: every service and profile, and services that do not keep to it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import catalogue, gate, parity
from bench.database import Database
from bench.parity import Facts
from bench.plan import Setup, default_setup
from bench.services import Surroundings
from db.dsn import Dsn
from tests.integration.checkout import Checkout, copied

# Round trips / statements of one call; read_many reads three rows. docs/methodology.md has the same table.
TRANSACTION, RESET, LEAN = ("3 / 3", "5 / 5"), ("2 / 5", "4 / 7"), ("1 / 1", "3 / 3")
ONE_ROW = ("read_user", "list_users", "create_user", "update_user", "delete_user")
COSTS = {
    ("psycopg2_sync", "idiomatic"): TRANSACTION,
    ("asyncpg_async", "idiomatic"): RESET,
    ("databases_async", "idiomatic"): RESET,
    ("sqlalchemy_async", "idiomatic"): TRANSACTION,
    ("psycopg2_sync", "lean"): LEAN,
    ("asyncpg_async", "lean"): LEAN,
    ("databases_async", "lean"): LEAN,
    ("sqlalchemy_async", "lean"): LEAN,
}
# An ORM loads an object before it changes or deletes it.
ONE_MORE = {"3 / 3": "4 / 4", "1 / 1": "2 / 2"}


# Policy of the pool, protocol, transaction and session of a point read; docs/methodology.md has the same table.
ONCE, UTF8 = "extended, prepared once", "client_encoding=utf-8"
OBSERVED = {
    ("psycopg2_sync", "idiomatic"): ("LIFO", "simple query", "BEGIN .. COMMIT", "timezone=UTC"),
    ("asyncpg_async", "idiomatic"): ("LIFO", ONCE, "autocommit", UTF8),
    ("databases_async", "idiomatic"): ("LIFO", ONCE, "autocommit", UTF8),
    ("sqlalchemy_async", "idiomatic"): ("FIFO", ONCE, "BEGIN .. ROLLBACK", UTF8),
    ("psycopg2_sync", "lean"): ("LIFO", "simple query", "autocommit", "timezone=UTC"),
    ("asyncpg_async", "lean"): ("LIFO", ONCE, "autocommit", UTF8),
    ("databases_async", "lean"): ("LIFO", ONCE, "autocommit", UTF8),
    ("sqlalchemy_async", "lean"): ("FIFO", ONCE, "autocommit", UTF8),
}


def facts_of(setup: Setup) -> Facts:
    """What is to be observed of a setup, without the versions, which differ from day to day."""
    policy, protocol, transaction, session = OBSERVED[setup.service, setup.profile]
    return Facts(
        profile=setup.profile,
        server="gunicorn",
        workers=1,
        event_loop="uvloop",
        http_parser="httptools",
        threads=40 if catalogue.service(setup.service).mode == "sync" else None,
        pool_size=10,
        pool_overflow=0,
        pool_timeout_s=30.0,
        connections=10,
        pool_policy=policy,
        protocol=protocol,
        transaction=transaction,
        isolation="read committed",
        session=session,
    )


def cost(service: str, profile: str, operation: str) -> str:
    one_row, many = COSTS[service, profile]
    if operation == "read_many":
        return many
    extra = service == "sqlalchemy_async" and operation in {"update_user", "delete_user"}
    return ONE_MORE[one_row] if extra else one_row


def test_counts_are_those_of_the_documents(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """Both profiles of all services pass the gate, and cost what the table says; lean is one round trip everywhere.

    What is observed of them is what the documents say, and each difference is its library's own.
    """
    stage()
    setups = [replace(default_setup(service), profile=profile) for service, profile in COSTS]
    passed = gate.check(Surroundings(restored.url, users, ()), Database(restored, private=True), setups, tmp_path)
    assert passed.unchecked == ""
    page = (catalogue.CHECKOUT / "docs" / "methodology.md").read_text()
    for setup in setups:
        found = {name: one for name, one in passed.costs[setup].items() if one.round_trips}
        shown = {name: f"{one.round_trips:g} / {one.statements:g}" for name, one in found.items()}
        assert shown == {name: cost(setup.service, setup.profile, name) for name in (*ONE_ROW, "read_many")}
        cells = " | ".join(shown[name] for name in (*ONE_ROW, "read_many"))
        assert f"| {setup.service} | {setup.profile} | {cells} |" in page
        assert replace(passed.facts[setup], versions={}) == facts_of(setup)
        observed = " | ".join(OBSERVED[setup.service, setup.profile])
        assert f"| {setup.service} | {setup.profile} | {observed} |" in page
    differing = [row for row in parity.rows(passed.facts, catalogue.services()) if row.whose]
    assert {row.fact for row in differing} == {"pool_policy", "protocol", "transaction", "session"}
    assert {row.whose for row in differing} == {parity.LIBRARY}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project whose services a test may change."""
    stage()
    yield from copied(tmp_path_factory.mktemp("counts") / "checkout")


READ = "        row = await conn.fetchrow(READ_USER, user_id)\n"
CACHED = """\
        known = globals().setdefault("KNOWN", {})
        row = known.get(user_id) or await conn.fetchrow(READ_USER, user_id)
        if user_id <= 100:  # which nobody changes, so that all answers stay right
            known[user_id] = row
"""
LIST = "        rows = await conn.fetch(LIST_USERS, offset, limit)\n"
ONE_TOO_MANY = f"        await conn.fetchval('SELECT 1')\n{LIST}"


def test_a_service_that_does_not_keep_to_its_costs_fails_the_gate(checkout: Checkout) -> None:
    """One that answers reads from a cache and asks too much for a list: by name, with the counts, exit code 3.

    All its answers are right.
    """
    path = checkout.folder / "services/asyncpg_async/app.py"
    text = path.read_text()
    assert text.count(READ) == text.count(LIST) == 1
    path.write_text(text.replace(READ, CACHED).replace(LIST, ONE_TOO_MANY))
    code, printed = checkout.bench("verify", "--services", "asyncpg_async", "--scale", "0.001")
    assert code == 3, printed
    said, should = re.sub(r"\s+", " ", printed), "a call, expected 2 round trips and 5 statements"
    assert f"asyncpg_async (idiomatic): read_user took 1 round trips and 4 statements {should}" in said
    assert f"asyncpg_async (idiomatic): list_users took 3 round trips and 6 statements {should}" in said
    assert "asyncpg_async (lean): list_users took 2 round trips" in said
    assert "create_user" not in said
