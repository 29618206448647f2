"""Services behind PgBouncer in transaction mode: with their library's settings for it they work, without they fail."""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from bench.analysis.recorded.roles import DATABASE
from bench.measure import database as databases
from bench.measure import preflight
from bench.measure.cell import roots
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import gate
from bench.plan.matrix import Cell, Setup, default_setup
from bench.plan.model import Profile
from db.address.dsn import Dsn
from suite import catalogue
from suite.errors import ServiceError
from tests.contract.conftest import WITH_DATABASE
from tests.integration.checkout import Checkout, copied
from tests.pgbouncer import pooled

CLIENTS = 16
pytestmark = pytest.mark.slow
REQUESTS = 400
PATHS = ("/users/{id}", "/users?offset={id}&limit=3", "/notes/{id}", "/notes/{id}?transaction=explicit")
BEHIND = {name: replace(default_setup(name), pooler="transaction", external_delay_s=0.0) for name in WITH_DATABASE}


@pytest.fixture(scope="module")
def pooler(database: Dsn, stage: Callable[..., None]) -> Iterator[Database]:
    """The tests' PostgreSQL behind a PgBouncer that has three connections to it. The services' ports are free."""
    stage()
    with pooled(database) as address, databases.opened(address.url) as found:
        yield found


def answers(setup: Setup, users: int) -> list[int]:
    """The status of each of many requests, sent by clients at once: more than the pooler has connections."""
    url = catalogue.service(setup.service).url
    paths = [PATHS[number % len(PATHS)].format(id=1 + number % (users // 10)) for number in range(REQUESTS)]

    def ask(mine: list[str]) -> list[int]:
        # uvicorn closes a connection when the application raises, so each request has a new one. Each thread has its
        # own client: one that closes a connection may otherwise close it for another thread.
        new = httpx.Limits(max_keepalive_connections=0)
        # Plain http: certificates would only be loaded, by sixteen clients.
        with httpx.Client(base_url=url, trust_env=False, verify=False, timeout=60, limits=new) as client:  # noqa: S501
            return [status(client, path) for path in mine]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for found in pool.map(ask, (paths[number::CLIENTS] for number in range(CLIENTS))) for one in found]


def status(client: httpx.Client, path: str) -> int:
    """Of one answer; 500 also where the server has closed the connection, as uvicorn does after such an error."""
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 500


@pytest.mark.parametrize("profile", ["idiomatic", pytest.param("lean", marks=pytest.mark.release)])
def test_every_service_keeps_the_contract_behind_it(
    pooler: Database, users: int, tmp_path: Path, profile: Profile
) -> None:
    """With the round trips that are declared. What PostgreSQL cannot count behind a pooler is said."""
    setups = [replace(one, profile=profile) for one in BEHIND.values()]
    passed = gate.check(FleetSettings(pooler.dsn.url, users, ()), pooler, setups, tmp_path)
    assert set(passed.costs) == set(setups)
    assert passed.unchecked.startswith("statements: PgBouncer in transaction mode has sessions from before")


@pytest.mark.parametrize("profile", ["idiomatic", pytest.param("lean", marks=pytest.mark.release)])
def test_no_request_fails_under_more_clients_than_it_has_connections(
    pooler: Database, users: int, tmp_path: Path, profile: Profile
) -> None:
    """Each transaction may be in another session. A service's own pool has ten connections to PgBouncer."""
    setups = [replace(one, profile=profile) for one in BEHIND.values()]
    with Fleet(FleetSettings(pooler.dsn.url, users, ())) as fleet:
        fleet.start({setup: tmp_path / f"{setup.service}.log" for setup in setups})
        seen = {setup.service: set(answers(setup, users)) for setup in setups}
    assert seen == {name: {200} for name in WITH_DATABASE}


# psycopg2 prepares nothing, whatever is above it.
PREPARING = [name for name in WITH_DATABASE if catalogue.service(name).own["protocol"].value != "simple query"]


@pytest.mark.parametrize("name", PREPARING)
def test_without_the_settings_it_fails(pooler: Database, users: int, tmp_path: Path, name: str) -> None:
    """A statement was prepared in another session. SQLAlchemy may meet that when it starts."""
    setup = replace(BEHIND[name], pooler="none")
    with Fleet(FleetSettings(pooler.dsn.url, users, ())) as fleet:
        try:
            fleet.start({setup: tmp_path / "service.log"})
        except ServiceError as error:
            assert "prepared statement" in str(error)  # noqa: PT017  # it may start as well
        else:
            assert 500 in answers(setup, users)


def test_its_process_is_no_stranger(pooler: Database) -> None:
    """It is on this machine, and works for the run. Its CPU time is the database's."""
    assert [psutil.Process(pid).name() for pid in pooler.poolers] == ["pgbouncer"]
    with Fleet(FleetSettings(pooler.dsn.url, 1000, ())) as fleet:
        cell = Cell("a", "point_read", BEHIND["asyncpg_async"], 1, (), once=False)
        assert {roots(cell, fleet, pooler)[pid] for pid in pooler.pids} == {DATABASE}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of the project for this module, with the services' ports free."""
    stage()
    yield from copied(tmp_path_factory.mktemp("pooler") / "checkout")


def test_a_run_through_it_needs_to_know_of_it(pooler: Database, checkout: Checkout) -> None:
    """Nothing is loaded before. With --pooler transaction it measures, without a failed request."""
    given = ["--plan", "smoke", "--scale", "0.001", "--services", "asyncpg_async", "--database-url", pooler.dsn.url]
    code, printed = checkout.bench("run", *given, "--name", "refused")
    assert code == 1
    for words in ("PgBouncer in transaction mode answers at", "--pooler transaction", "nothing was measured"):
        assert words in printed
    assert "dataset of scale" not in printed
    code, printed = checkout.bench("run", *given, "--name", "measured", "--pooler", "transaction", "--users", "20")
    assert code in {0, 3}, printed  # 3: other work on this machine disturbed it
    with (checkout.results / "measured/summary.csv").open() as file:
        [row, *_] = csv.DictReader(file)
    assert (row["failures"], row["connections_peak"], row["idle_in_transaction_peak"]) == ("0", "", "")
    assert int(row["requests"]) > 0
    assert "pooler=transaction" in row["parameters"].split(";")


def test_doctor_shows_it(pooler: Database, database: Dsn, checkout: Checkout) -> None:
    """A server without one has no such line."""
    _, printed = checkout.bench("doctor", "--database-url", pooler.dsn.url)
    assert "PgBouncer in transaction mode" in printed
    _, printed = checkout.bench("doctor", "--database-url", database.url)
    assert "pooler" not in printed


def test_services_work_behind_one_in_session_mode(database: Dsn, users: int, tmp_path: Path) -> None:
    """Without any settings: each connection has a session of its own. It is a note only."""
    with pooled(database, "session", 30) as address, databases.opened(address.url) as found:
        [note] = preflight.check_pooler(found, ["none"])
        assert str(note).startswith("PgBouncer in session mode is before PostgreSQL")
        setups = [default_setup(name) for name in ("asyncpg_async", "psycopg3_sync")]
        gate.check(FleetSettings(found.dsn.url, users, ()), found, setups, tmp_path)


@pytest.mark.release  # CI has too little time
def test_the_settings_are_measured_without_a_pooler_too(database: Dsn, users: int, tmp_path: Path) -> None:
    """What they cost: the statements are counted as well."""
    setups = [BEHIND["asyncpg_async"], default_setup("asyncpg_async")]
    passed = gate.check(FleetSettings(database.url, users, ()), Database(database, private=True), setups, tmp_path)
    assert passed.unchecked == ""
    with_settings, without = (passed.costs[one]["read_user"] for one in passed.costs)
    assert (with_settings.round_trips, without.round_trips) == (3, 2)
    assert (with_settings.statements, without.statements) == (5, 5)
