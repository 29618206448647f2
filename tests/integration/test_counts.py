"""What operations cost in the database: every service and profile, and services that do not keep to it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from bench.analysis import parity
from bench.analysis.parity import ParityFacts
from bench.measure.database import Database
from bench.measure.fleet.fleet import FleetSettings
from bench.measure.gate import gate
from bench.plan.matrix import Setup, default_setup
from bench.plan.model import Profile
from db.address.dsn import Dsn
from suite import catalogue
from tests.integration.checkout import Checkout, copied

USERS = ("read_user", "list_users", "create_user", "update_user", "delete_user", "read_many")
OTHERS = (
    "read_note implicit", "read_note explicit", "synchronize_note implicit", "synchronize_note explicit",
    "session_sleep inside", "session_sleep outside", "simulation",
)  # fmt: skip
STUDIES = (
    "stream_request", "stream_early", "stream_own", "relations lazy", "relations selectin", "relations join",
    "relations json", "slow_query",
)  # fmt: skip
OWN = ("pool_policy", "protocol", "transaction", "session")
POOL_SIZE = 2  # as many as the simulation needs: with more, each of them has to be warmed up
SETUPS = [
    replace(default_setup(one.name), driver=driver, profile=profile, pool_size=POOL_SIZE, external_delay_s=0.0)
    for profile in get_args(Profile)
    for one in catalogue.services().values()
    if one.needs_database
    for driver in one.drivers or ("",)
]


def same_for_all(setup: Setup) -> ParityFacts:
    """What is to be observed of every setup, whichever library it has."""
    return ParityFacts(
        profile=setup.profile,
        server="gunicorn",
        workers=1,
        event_loop="uvloop",
        http_parser="httptools",
        gc="default",
        threads=40 if setup.described.mode == "sync" else None,
        pool_size=POOL_SIZE,
        pool_overflow=0,
        pool_timeout_s=30.0,
        connections=POOL_SIZE,
        isolation="read committed",
        encryption="none",
        pooler="none",
    )


def lines(title: str, cells: Callable[[Setup], Iterable[object]]) -> str:
    """The rows of a table in docs/methodology.md, a setup each."""
    rows = [" | ".join([catalogue.marked(setup.service), setup.runs_as, *map(str, cells(setup))]) for setup in SETUPS]
    columns = f"| service | profile | {title} |"
    return "\n".join([columns, "| --- " * (columns.count("|") - 1) + "|", *(f"| {row} |" for row in rows)]) + "\n"


@pytest.mark.slow
def test_counts_are_those_of_the_documents(
    restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """All services pass the gate in both profiles and on each driver: they cost what their service.toml says.

    docs/methodology.md has these costs and facts. What is to be written there is printed where it differs. Each
    difference between services is its library's own.
    """
    stage()
    passed = gate.check(FleetSettings(restored.url, users, ()), Database(restored, private=True), SETUPS, tmp_path)
    assert passed.unchecked == ""

    def costs(operations: Sequence[str]) -> Callable[[Setup], Iterable[object]]:
        def of(setup: Setup) -> Iterator[str]:
            found = [passed.costs[setup].get(name) for name in operations]
            yield from (
                f"{one.round_trips:g} / {one.statements:g} / {one.transactions:g}" if one else "" for one in found
            )

        return of

    page = (catalogue.CHECKOUT / "docs" / "methodology.md").read_text()
    titles = [
        " | ".join(USERS).replace("read_many", "read_many (20 rows)"),
        " | ".join(OTHERS),
        " | ".join(OWN),
        " | ".join(STUDIES),
    ]
    tables = [
        lines(titles[0], costs(USERS)),
        lines(titles[1], costs(OTHERS)),
        lines(titles[3], costs(STUDIES)),
        lines(titles[2], lambda setup: [getattr(passed.facts[setup], fact) for fact in OWN]),
    ]
    missing = [table for table in tables if table not in page]
    assert not missing, "docs/methodology.md needs:\n" + "\n".join(missing)
    nothing: dict[str, Any] = {"versions": {}, **dict.fromkeys(OWN)}
    for setup, facts in passed.facts.items():
        assert replace(facts, **nothing) == same_for_all(setup)
    differing = [row for row in parity.rows(passed.facts) if row.whose]
    assert {row.fact for row in differing} == set(OWN)
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
