"""What operations cost in the database: every service and profile, and services that do not keep to it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis import parity
from bench.analysis.parity import ParityFacts
from bench.measure.database import Database
from bench.measure.fleet.fleet import FleetSettings
from bench.measure.gate import gate
from bench.plan.matrix import Setup, default_setup
from db.address.dsn import Dsn
from suite import catalogue
from tests.integration.checkout import Checkout, copied

# Round trips / statements of one call; read_many reads three rows. docs/methodology.md has the same tables.
USERS = ("read_user", "list_users", "create_user", "update_user", "delete_user", "read_many")
OTHERS = (
    "read_note implicit", "read_note explicit", "synchronize_note implicit", "synchronize_note explicit",
    "session_sleep inside", "session_sleep outside", "simulation",
)  # fmt: skip
TRANSACTION = ("3 / 3", "3 / 3", "3 / 3", "3 / 3", "3 / 3", "5 / 5")
RESET = ("2 / 5", "2 / 5", "2 / 5", "2 / 5", "2 / 5", "4 / 7")
LEAN = ("1 / 1", "1 / 1", "1 / 1", "1 / 1", "1 / 1", "3 / 3")
# An ORM loads an object before it changes or deletes it.
ORM, ORM_LEAN = (*TRANSACTION[:3], "4 / 4", "4 / 4", "5 / 5"), (*LEAN[:3], "2 / 2", "2 / 2", "3 / 3")
IMPLICIT = ("3 / 3", "3 / 3", "4 / 4", "6 / 6", "3 / 3", "3 / 3")
ASYNCPG, DATABASES = (
    ("2 / 5", "4 / 7", "3 / 6", "8 / 14", *RESET[:2]),
    ("2 / 5", "4 / 7", "4 / 10", "8 / 14", *RESET[:2]),
)
COSTS = {
    ("psycopg2_sync", "idiomatic"): (*TRANSACTION, *IMPLICIT, "6 / 6"),
    ("asyncpg_async", "idiomatic"): (*RESET, *ASYNCPG, "4 / 10"),
    ("databases_async", "idiomatic"): (*RESET, *DATABASES, "4 / 10"),
    ("sqlalchemy_async", "idiomatic"): (*ORM, *IMPLICIT, "6 / 6"),
    ("sqlalchemy_sync", "idiomatic"): (*ORM, *IMPLICIT, "6 / 6"),
    ("psycopg3_sync", "idiomatic"): (*TRANSACTION, *IMPLICIT, "6 / 6"),
    ("psycopg3_async", "idiomatic"): (*TRANSACTION, *IMPLICIT, "6 / 6"),
    ("psycopg2_sync", "lean"): (*LEAN, *IMPLICIT, "2 / 2"),
    ("asyncpg_async", "lean"): (*LEAN, "1 / 1", "3 / 3", "2 / 2", "6 / 6", "1 / 1", "1 / 1", "2 / 2"),
    ("databases_async", "lean"): (*LEAN, "1 / 1", "3 / 3", "2 / 2", "6 / 6", "1 / 1", "1 / 1", "2 / 2"),
    ("sqlalchemy_async", "lean"): (*ORM_LEAN, *IMPLICIT, "2 / 2"),
    ("sqlalchemy_sync", "lean"): (*ORM_LEAN, "4 / 4", "4 / 4", "5 / 5", "8 / 8", "4 / 4", "4 / 4", "2 / 2"),
    ("psycopg3_sync", "lean"): (*LEAN, *IMPLICIT, "2 / 2"),
    ("psycopg3_async", "lean"): (*LEAN, *IMPLICIT, "2 / 2"),
}
# Transactions, in the same order. The reset of asyncpg's pool is one more for each use of a connection.
BEGUN = (1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 2)
AUTOCOMMIT = (1, 1, 1, 1, 1, 3)
ENDED = {
    **dict.fromkeys(COSTS, BEGUN),
    ("asyncpg_async", "idiomatic"): (2, 2, 2, 2, 2, 4, 2, 2, 3, 4, 2, 2, 4),
    ("databases_async", "idiomatic"): (2, 2, 2, 2, 2, 4, 2, 2, 4, 4, 2, 2, 4),
    ("psycopg2_sync", "lean"): (*AUTOCOMMIT, *BEGUN[6:]),
    ("psycopg3_sync", "lean"): (*AUTOCOMMIT, *BEGUN[6:]),
    ("psycopg3_async", "lean"): (*AUTOCOMMIT, *BEGUN[6:]),
    ("asyncpg_async", "lean"): (*AUTOCOMMIT, 1, 1, 2, 2, 1, 1, 2),
    ("databases_async", "lean"): (*AUTOCOMMIT, 1, 1, 2, 2, 1, 1, 2),
    ("sqlalchemy_async", "lean"): (1, 1, 1, 2, 2, 3, *BEGUN[6:]),
    ("sqlalchemy_sync", "lean"): (1, 1, 1, 2, 2, 3, 2, 2, 2, 4, 2, 2, 2),
}
POOL_SIZE = 2  # as many as the simulation needs: with more, each of them has to be warmed up


# Policy of the pool, protocol, transaction and session of a point read; docs/methodology.md has the same table.
ONCE, UTF8 = "extended, prepared once", "client_encoding=utf-8"
OBSERVED = {
    ("psycopg2_sync", "idiomatic"): ("LIFO", "simple query", "BEGIN .. COMMIT", "timezone=UTC"),
    ("asyncpg_async", "idiomatic"): ("LIFO", ONCE, "autocommit", UTF8),
    ("databases_async", "idiomatic"): ("LIFO", ONCE, "autocommit", UTF8),
    ("sqlalchemy_async", "idiomatic"): ("FIFO", ONCE, "BEGIN .. ROLLBACK", UTF8),
    ("sqlalchemy_sync", "idiomatic"): ("FIFO", "simple query", "BEGIN .. ROLLBACK", "timezone=UTC"),
    ("psycopg3_sync", "idiomatic"): ("FIFO", ONCE, "BEGIN .. COMMIT", "timezone=UTC"),
    ("psycopg3_async", "idiomatic"): ("FIFO", ONCE, "BEGIN .. COMMIT", "timezone=UTC"),
    ("psycopg2_sync", "lean"): ("LIFO", "simple query", "autocommit", "timezone=UTC"),
    ("asyncpg_async", "lean"): ("LIFO", ONCE, "autocommit", UTF8),
    ("databases_async", "lean"): ("LIFO", ONCE, "autocommit", UTF8),
    ("sqlalchemy_async", "lean"): ("FIFO", ONCE, "autocommit", UTF8),
    ("sqlalchemy_sync", "lean"): ("FIFO", "simple query", "autocommit", "timezone=UTC"),
    ("psycopg3_sync", "lean"): ("FIFO", ONCE, "autocommit", "timezone=UTC"),
    ("psycopg3_async", "lean"): ("FIFO", ONCE, "autocommit", "timezone=UTC"),
}


def facts_of(setup: Setup) -> ParityFacts:
    """What is to be observed of a setup, without the versions, which differ from day to day."""
    policy, protocol, transaction, session = OBSERVED[setup.service, setup.profile]
    return ParityFacts(
        profile=setup.profile,
        server="gunicorn",
        workers=1,
        event_loop="uvloop",
        http_parser="httptools",
        gc="default",
        threads=40 if catalogue.service(setup.service).mode == "sync" else None,
        pool_size=POOL_SIZE,
        pool_overflow=0,
        pool_timeout_s=30.0,
        connections=POOL_SIZE,
        pool_policy=policy,
        protocol=protocol,
        transaction=transaction,
        isolation="read committed",
        session=session,
        encryption="none",
        pooler="none",
    )


@pytest.mark.slow
def test_counts_are_those_of_the_documents(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """Both profiles of all services pass the gate, and cost what the tables say.

    What is observed of them is what the documents say, and each difference is its library's own.
    """
    stage()
    assert {name for name, _ in COSTS} == {one.name for one in catalogue.services().values() if one.needs_database}
    setups = [
        replace(default_setup(service), profile=profile, pool_size=POOL_SIZE, external_delay_s=0.0)
        for service, profile in COSTS
    ]
    passed = gate.check(FleetSettings(restored.url, users, ()), Database(restored, private=True), setups, tmp_path)
    assert passed.unchecked == ""
    page = (catalogue.CHECKOUT / "docs" / "methodology.md").read_text()
    for setup in setups:
        found = {name: one for name, one in passed.costs[setup].items() if one.round_trips}
        shown = {
            name: f"{one.round_trips:g} / {one.statements:g} / {one.transactions:g}" for name, one in found.items()
        }
        which = setup.service, setup.profile
        expected = [f"{cost} / {ended}" for cost, ended in zip(COSTS[which], ENDED[which], strict=True)]
        assert shown == dict(zip((*USERS, *OTHERS), expected, strict=True))
        for operations in (USERS, OTHERS):
            cells = " | ".join(shown[name] for name in operations)
            assert f"| {setup.service} | {setup.profile} | {cells} |" in page
        assert replace(passed.facts[setup], versions={}) == facts_of(setup)
        observed = " | ".join(OBSERVED[setup.service, setup.profile])
        assert f"| {setup.service} | {setup.profile} | {observed} |" in page
    differing = [row for row in parity.rows(passed.facts) if row.whose]
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
        if user_id <= 100:  # no request changes these users, so all answers stay right
            known[user_id] = row
"""
LIST = "        rows = await conn.fetch(LIST_USERS, offset, limit)\n"
ONE_TOO_MANY = f"        await conn.fetchval('SELECT 1')\n{LIST}"


@pytest.mark.slow
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


CACHED_LATER = CACHED.replace(
    "if user_id <= 100:  # no request changes these users, so all answers stay right", "if 5 < user_id <= 1000:"
)
QUICK = """
[matrix]
scenarios = ["point_read"]
services = ["asyncpg_async"]
users = 5
[load]
warm_up_s = 2.0
measure_s = 5.0
[rounds]
count = 1
ceilings = false
[database]
scale = 0.001
[verdict]
steal = 1.0
strangers = 1.0
drift = 1.0
"""


@pytest.mark.slow
@pytest.mark.parametrize("caches", [True, False])
def test_a_service_that_begins_to_cache_after_its_verification_is_invalid(
    tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None], *, caches: bool
) -> None:
    """It does what verification counts, for the users that verification reads. Without the cache it is VALID.

    The pool still resets the connection of each request, which is one transaction of the two.
    """
    stage()
    for checkout in copied(tmp_path_factory.mktemp("cached") / "checkout"):
        path = checkout.folder / "services/asyncpg_async/app.py"
        if caches:
            path.write_text(path.read_text().replace(READ, CACHED_LATER))
        plan = checkout.folder / "quick.toml"
        plan.write_text(QUICK)
        code, printed = checkout.bench("run", "--plan", str(plan), "--name", "quick")
        said = re.sub(r"\s+", " ", printed)
        assert code == (3 if caches else 0), printed
        assert bool(re.search(r"made [01]\.\d\d transactions a request; verification counted 2\.00", said)) == caches
