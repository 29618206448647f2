"""The relay between services and a PostgreSQL that requires TLS: Debian's, with its own CA."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import psycopg
import psycopg2
import pytest

from bench.analysis import parity
from bench.measure.database import Database
from bench.measure.fleet.fleet import FleetSettings
from bench.measure.fleet.network import Network
from bench.measure.gate import gate
from bench.plan.costs import expected as expected_cost
from bench.plan.matrix import default_setup
from db import server
from db.address import dsn as dsns
from db.address import libraries
from db.address.dsn import Dsn
from db.data import dataset, loader
from db.protocol import Message
from db.wire import Relay
from suite import catalogue
from suite.errors import DatabaseError
from tests import tls
from tests.tls import TlsServer

SCALE = 0.001
COUNT = "SELECT 1"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """It accepts encrypted connections alone."""
    with tls.running(tmp_path_factory.mktemp("strict")) as found:
        yield found


def by_psycopg(dsn: Dsn) -> None:
    with psycopg.connect(libraries.form(dsn, libraries.PSYCOPG).url, autocommit=True, connect_timeout=5) as connection:
        assert connection.pgconn.ssl_in_use
        connection.execute(COUNT)


def by_psycopg2(dsn: Dsn) -> None:
    connection = psycopg2.connect(libraries.form(dsn, libraries.PSYCOPG2).url, connect_timeout=5)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
    connection.close()


def by_asyncpg(dsn: Dsn) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(libraries.form(dsn, libraries.ASYNCPG).url, timeout=5)
        await connection.execute(COUNT)
        await connection.close()

    asyncio.run(ask())


EVERY = pytest.mark.parametrize("ask", [by_psycopg, by_psycopg2, by_asyncpg])
Ask = Callable[[Dsn], None]


@contextmanager
def heard(dsn: Dsn) -> Iterator[tuple[Relay, list[Message]]]:
    """A relay to a server, and what it reads."""
    messages: list[Message] = []
    with Relay(dsn, listener=messages.append) as relay:
        yield relay, messages


@EVERY
@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
def test_what_is_encrypted_is_read_and_counted(mode: str, ask: Ask, strict: TlsServer) -> None:
    """In each mode, as on the server's own address. The client verifies the relay, the relay the server."""
    dsn = strict.asking(sslmode=mode, **({"sslrootcert": str(strict.ca_file)} if mode.startswith("verify") else {}))
    ask(dsn)
    with heard(dsn) as (relay, messages):
        ask(relay.dsn)
        assert relay.round_trips == 1
        assert [one.body for one in messages if one.kind == b"Q"] == [b"SELECT 1\0"]


@EVERY
def test_a_server_that_cannot_be_verified_is_not_reached(ask: Ask, strict: TlsServer) -> None:
    """The relay itself refuses it, as the library does without a relay."""
    dsn = strict.asking(sslmode="verify-full", sslrootcert=str(strict.other_ca_file))
    with heard(dsn) as (relay, messages):
        for address in (dsn, relay.dsn):
            with pytest.raises((OSError, psycopg.Error, psycopg2.Error)):
                ask(address)
        assert messages == []


@EVERY
def test_a_client_without_encryption_gets_the_servers_own_answer(ask: Ask, strict: TlsServer) -> None:
    """The relay adds none on its own."""
    plain = strict.asking(sslmode="disable")
    with (
        Relay(plain) as relay,
        pytest.raises((psycopg.Error, psycopg2.Error, asyncpg.PostgresError), match=r"no encryption|no pg_hba"),
    ):
        ask(relay.dsn)


@EVERY
def test_a_clients_certificate_reaches_the_server(ask: Ask, tmp_path: Path) -> None:
    """The relay shows it: the server asks for nothing else."""
    with tls.running(tmp_path, hba=("local all all scram-sha-256", "hostssl all all 127.0.0.1/32 cert")) as found:
        dsn = replace(found.with_certificate, password="")
        ask(dsn)
        with heard(dsn) as (relay, _):
            ask(relay.dsn)
            assert relay.round_trips == 1


def test_a_certificate_file_that_is_none_is_named(strict: TlsServer, tmp_path: Path) -> None:
    """When the relay is made, before anything starts."""
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(DatabaseError, match=r"a certificate file for .* cannot be used \(.*ca\.pem\)"):
        Relay(strict.asking(sslmode="verify-ca", sslrootcert=str(tmp_path / "ca.pem")))


def test_a_distance_is_added_to_what_is_encrypted(strict: TlsServer, tmp_path: Path) -> None:
    """By the relay in a process of its own, whose command line has no password."""
    network = Network(strict.dsn.url, ())
    try:
        shortest_ms = {}
        for rtt_ms in (0.0, 4.0):
            near = dsns.parse(network.url(rtt_ms, tmp_path / "relay.log"), {})
            with psycopg.connect(near.url, autocommit=True) as connection:
                times_ms = []
                for _ in range(100):
                    began = time.perf_counter()
                    connection.execute(COUNT)
                    times_ms.append((time.perf_counter() - began) * 1e3)
            shortest_ms[rtt_ms] = sorted(times_ms)[2]
        assert shortest_ms[4.0] - shortest_ms[0.0] == pytest.approx(4.0, abs=0.8)
        commands = [" ".join(psutil.Process(pid).cmdline()) for pid in network.pids()]
        assert len(commands) == 2
        assert not [command for command in commands if strict.dsn.password in command]
    finally:
        network.stop()


def test_a_socket_is_reached_like_a_port(strict: TlsServer) -> None:
    """A relay listens on a port in any case; nothing is encrypted then, as over the socket itself."""
    with heard(replace(strict.named.dsn, host=str(strict.named.folder / "socket"))) as (relay, _):
        by_psycopg2(relay.dsn)
        assert relay.round_trips == 1
        assert dict(relay.dsn.parameters) == {"sslmode": "disable"}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["TLS", pytest.param("socket", marks=pytest.mark.release)])
def test_every_service_is_verified_there(
    way: str, strict: TlsServer, stage: Callable[..., None], tmp_path: Path
) -> None:
    """With its round trips counted, and what encrypts its connections said by PostgreSQL."""
    stage()
    dsn = strict.dsn if way == "TLS" else replace(strict.named.dsn, host=str(strict.named.folder / "socket"))
    here = Database(dsn, private=False)
    loader.load(dsn, SCALE)
    names = [name for name, one in catalogue.services().items() if one.needs_database]
    setups = [replace(default_setup(name), pool_size=2, external_delay_s=0.0) for name in names]
    passed = gate.check(FleetSettings(dsn.url, dataset.size(SCALE).users, ()), here, setups, tmp_path)
    assert {setup.service: passed.costs[setup]["read_user"].round_trips for setup in setups} == {
        name: expected_cost(catalogue.service(name), "idiomatic", "read_user").round_trips for name in names
    }
    with server.connect(strict.dsn) as connection:
        row = connection.execute("SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert row is not None
        expected = ", ".join(row) if way == "TLS" else "none"
    rows = [row for row in parity.rows(passed.facts) if row.fact == "encryption"]
    assert {row.service: (row.value, row.whose) for row in rows} == dict.fromkeys(names, (expected, ""))
