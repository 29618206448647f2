"""Every setting of libpq in an address, for every service: each works, with the same effect, or is refused by name."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from bench.measure.fleet.serving import settings_of
from bench.plan.matrix import default_setup
from db import server
from db.address import dsn, libraries, parameters
from db.address.dsn import Dsn
from suite import catalogue, waiting
from suite.errors import DatabaseError
from tests import tls
from tests.tls import TlsServer

HBA = ("local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256")  # with TLS and without
SERVICES = tuple(name for name, one in catalogue.services().items() if one.needs_database)
MINE = "one-of-these"


@dataclass(frozen=True)
class Case:
    """A setting, and what the server then says of the connection. `refuses`: the libraries that cannot do it."""

    name: str
    value: str
    refuses: tuple[str, ...] = ()
    seen: Mapping[str, object] | None = None
    beside: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def cases(files: TlsServer) -> list[Case]:
    """At least one of each setting that a service can get."""
    psqlpy, asyncpg = (libraries.PSQLPY,), (libraries.ASYNCPG,)
    neither, with_libpq_18 = (libraries.ASYNCPG, libraries.PSQLPY), (libraries.PSYCOPG,)
    but_it = tuple({*libraries.PACKAGES.values()} - {*with_libpq_18})
    ca, client = str(files.ca_file), str(files.client_file)
    required = (("sslmode", "require"),)
    known = (("sslmode", "verify-full"), ("sslrootcert", ca))
    plain, encrypted = {"ssl": False}, {"ssl": True}
    return [
        Case("application_name", MINE, seen={"name": MINE}),
        Case("fallback_application_name", MINE, seen={"name": MINE}),
        Case("options", f"-c application_name={MINE}", seen={"name": MINE}),
        Case("connect_timeout", "3"),
        Case("client_encoding", "UTF8"),
        Case("channel_binding", "require", neither),
        Case("channel_binding", "prefer"),
        Case("channel_binding", "disable"),
        Case("keepalives", "0"),
        Case("keepalives", "1", asyncpg),
        Case("keepalives_idle", "30", asyncpg),
        Case("keepalives_interval", "30", asyncpg),
        Case("keepalives_count", "3", asyncpg),
        Case("tcp_user_timeout", "5000", neither),
        Case("sslmode", "disable", seen=plain),
        Case("sslmode", "allow", seen=plain),
        Case("sslmode", "prefer", psqlpy, seen=encrypted),
        Case("sslmode", "require", seen=encrypted),
        Case("sslmode", "verify-ca", seen=encrypted, beside=(("sslrootcert", ca),)),
        Case("sslmode", "verify-full", seen=encrypted, beside=(("sslrootcert", ca),)),
        Case("sslrootcert", ca, seen=encrypted, beside=required),
        Case("sslcrl", str(files.crl_file), psqlpy, seen=encrypted, beside=known),
        Case("sslcrldir", str(files.ca_file.parent), neither),
        Case("sslcert", client, psqlpy, seen={"client": "owner"}, beside=(*known, ("sslkey", client))),
        Case("sslkey", client, psqlpy, seen={"client": "owner"}, beside=(*known, ("sslcert", client))),
        Case("sslpassword", tls.KEY_PASSWORD, psqlpy, seen={"client": "owner"}, beside=(
            *known, ("sslcert", client), ("sslkey", str(files.locked_key_file)),
        )),
        Case("sslcertmode", "allow"),
        Case("sslcertmode", "disable", asyncpg, seen={"client": None}),
        Case("sslnegotiation", "postgres", seen=encrypted, beside=required),
        Case("sslcompression", "0"),
        Case("sslcompression", "1", neither),
        Case("sslsni", "1", seen=encrypted, beside=required),
        Case("sslsni", "0", neither, seen=encrypted),
        Case("ssl_min_protocol_version", "TLSv1.3", psqlpy, seen={"version": "TLSv1.3"}),
        Case("ssl_max_protocol_version", "TLSv1.2", psqlpy, seen={"version": "TLSv1.2"}),
        Case("requirepeer", "somebody", neither),
        Case("require_auth", "scram-sha-256", neither),
        Case("min_protocol_version", "3.0", (libraries.PSYCOPG2,)),
        Case("max_protocol_version", "3.0", (libraries.PSYCOPG2,)),
        Case("max_protocol_version", "latest", but_it),
        Case("gssencmode", "disable"),
        Case("gssencmode", "prefer"),
        Case("gssencmode", "require", neither),
        Case("gssdelegation", "0"),
        Case("gssdelegation", "1", neither),
        Case("krbsrvname", "postgres", psqlpy),
        Case("gsslib", "gssapi", psqlpy),
        Case("target_session_attrs", "read-write"),
        Case("load_balance_hosts", "disable"),
        Case("load_balance_hosts", "random", asyncpg),
    ]  # fmt: skip


# With these a service connects to nothing here: there is no Kerberos, in the wheels or on the server.
NOT_TRIED = {"gssencmode=require"}


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """Debian's PostgreSQL with its own CA, which allows connections without TLS, too."""
    with tls.running(tmp_path_factory.mktemp("files"), hba=HBA) as found:
        yield found


def asked(case: Case, to: Dsn) -> Dsn:
    """The address as a user writes it, read as `--database-url` is."""
    return dsn.parse(replace(to, parameters=((case.name, case.value), *case.beside)).url, {})


def test_each_setting_of_libpq_is_tried_or_refused_for_all(careful: TlsServer) -> None:
    """So that a newer libpq brings nothing that no test knows."""
    tried = {case.name for case in cases(careful)}
    other = {*parameters.PARTS, *parameters.CONSUMED, *parameters.UNUSABLE, "replication"}
    assert tried | other == set(parameters.names())
    assert not tried & other


def test_a_library_refuses_what_it_cannot_do_by_name(careful: TlsServer) -> None:
    """And nothing else: each case for each library."""
    for case in cases(careful):
        for library in {*libraries.PACKAGES.values()}:
            if library not in case.refuses:
                libraries.form(asked(case, careful.named.dsn), library)
                continue
            with pytest.raises(DatabaseError, match=rf"^{library}.* does not know the setting {case.name}"):
                libraries.form(asked(case, careful.named.dsn), library)


def test_psqlpy_needs_the_file_of_an_authority_to_verify_with(careful: TlsServer) -> None:
    """It has no file of its own for it, unlike libpq, and would not encrypt at all."""
    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(DatabaseError, match="psqlpy verifies a certificate only with the setting sslrootcert"):
            libraries.form(asked(Case("sslmode", mode), careful.named.dsn), libraries.PSQLPY)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("replication=database", "replication makes a connection for replicas"),
        ("client_encoding=LATIN1", "client_encoding is 'LATIN1'"),
        ("sslkeylogfile=/tmp/keys", "sslkeylogfile writes the keys"),
        ("oauth_issuer=x", "oauth_issuer is a way to log in that only some libraries have"),
        ("scram_client_key=x", "scram_client_key is a way"),
        ("connect_timeout=soon", "connect_timeout is 'soon': write whole seconds"),
        ("sslrootcert=system", "sslrootcert=system means other files to each library"),
        ("host=db.example&hostaddr=127.0.0.1&sslmode=verify-full", "hostaddr with sslmode=verify-full"),
        ("pgbouncer=true", "'pgbouncer' is none of libpq's: write the option --pooler transaction"),
        ("schema=app", r"write options=-csearch_path%3DSCHEMA in its place"),
        ("ssl=true", "write sslmode=require in its place"),
        ("sslmod=require", r"'sslmod' is none of libpq's \(did you mean 'sslmode'\?\)"),
    ],
)
def test_what_no_service_could_do_alike_is_refused_when_it_is_read(written: str, message: str) -> None:
    """With the way to write it, where there is one."""
    with pytest.raises(DatabaseError, match=message):
        dsn.parse(f"postgresql://ada@127.0.0.1/shop?{written}", {})


SEEN = """
    SELECT activity.application_name, tls.ssl, tls.version, substring(tls.client_dn from '/CN=(.*)')
    FROM pg_stat_activity AS activity JOIN pg_stat_ssl AS tls USING (pid)
    WHERE activity.backend_type = 'client backend' AND activity.pid <> pg_backend_pid()
      AND activity.datname = current_database()
"""


def tried(service: str, to: Dsn, every: list[Case]) -> Iterator[str]:
    """What went wrong, for one service: its own pool is opened with each case, and the server is asked about it."""
    library = libraries.library_of(catalogue.service(service).libraries)
    command = [sys.executable, "-m", "tests.contract.connecting", service]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        server.connect(to) as connection,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        for case in every:
            if library in case.refuses or str(case) in NOT_TRIED:
                continue
            setup = replace(default_setup(service), pool_size=1)
            process.stdin.write(json.dumps(settings_of(setup, asked(case, to).url, 1)) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline().strip()
            if answer != "open":
                yield f"{service}, {case}: {answer}"
                continue
            # psqlpy creates no pool of one: it closes a second connection, and does not wait for that.
            [row, *more] = waiting.until(
                lambda: connection.execute(SEEN).fetchall(), 1.0, 0.01, enough=lambda rows: len(rows) == 1
            )
            found = dict(zip(("name", "ssl", "version", "client"), row, strict=True))
            if more or not (case.seen or {}).items() <= found.items():
                yield f"{service}, {case}: {found}, not {case.seen}"
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
        process.stdin.close()


@pytest.mark.slow
def test_each_service_does_what_the_address_says(careful: TlsServer) -> None:
    """Seen on the server: name, encryption, its version, the client's certificate."""

    def wrong(service: str) -> list[str]:
        owned = careful.named.add_role(f"of_{service}", "SUPERUSER", owns=f"of_{service}")
        return list(tried(service, owned, cases(careful)))

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        assert [line for lines in pool.map(wrong, SERVICES) for line in lines] == []


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_a_socket_on_another_port_works(service: str, careful: TlsServer) -> None:
    """The folder and the port decide which file it is."""
    socket = replace(careful.named.dsn, host=str(careful.named.folder / "socket"))
    assert list(tried(service, socket, [Case("application_name", MINE, seen={"name": MINE, "ssl": False})])) == []
