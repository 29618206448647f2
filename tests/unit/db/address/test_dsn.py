import os
import pwd
from pathlib import Path

import psycopg.conninfo
import pytest

from db.address import dsn
from db.address.dsn import Dsn
from suite.errors import DatabaseError

ODD = ["p@ss", "a:b/c?d#e", "100%", "%41", " space ", "ümlaut€", "'quote\"", "back\\slash", "[x]", "&x=1", "+"]
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize("odd", ODD)
def test_a_url_survives_any_user_password_and_database(odd: str) -> None:
    """What goes into a URL comes back out, and libpq reads the same from it."""
    made = Dsn("127.0.0.1", 5433, odd, odd, odd, (("application_name", odd),))
    assert dsn.parse(made.url) == made
    expected = {
        "user": odd,
        "password": odd,
        "dbname": odd,
        "host": "127.0.0.1",
        "port": "5433",
        "application_name": odd,
    }
    assert psycopg.conninfo.conninfo_to_dict(made.url) == expected


@pytest.mark.parametrize("host", ["::1", "fe80::1", "db.example.com", "/var/run/postgresql", "/run/a b"])
def test_a_url_survives_any_kind_of_host(host: str) -> None:
    """IPv6 addresses and socket folders are written in a way that libpq and this module read back."""
    made = Dsn(host, 6000, "ada", "secret", "shop")
    assert dsn.parse(made.url) == made
    read = psycopg.conninfo.conninfo_to_dict(made.url)
    assert (read["host"], read["port"]) == (host, "6000")


def test_a_url_in_full() -> None:
    """The parts stand where PostgreSQL's documentation puts them."""
    made = dsn.parse("postgres://ada:s%40fe@[::1]:6000/shop?sslmode=require&connect_timeout=3")
    assert made == Dsn("::1", 6000, "ada", "s@fe", "shop", (("sslmode", "require"), ("connect_timeout", "3")))
    assert made.url == "postgresql://ada:s%40fe@[::1]:6000/shop?sslmode=require&connect_timeout=3"


def test_what_a_url_leaves_out_is_as_with_libpq() -> None:
    """No host is 127.0.0.1, no port 5432, no user the account's, no database the user's name."""
    assert dsn.parse("postgresql://") == Dsn("127.0.0.1", 5432, ME, "", ME)
    assert dsn.parse("postgresql://ada@") == Dsn("127.0.0.1", 5432, "ada", "", "ada")
    assert dsn.parse("postgresql:///shop") == Dsn("127.0.0.1", 5432, ME, "", "shop")


def test_query_parameters_win_over_the_body() -> None:
    """As with libpq; a percent-encoded socket folder may stand in the host's place too."""
    assert dsn.parse("postgresql://a:b@h:1/c?host=/run&port=2&user=u&password=p&dbname=d") == Dsn(
        "/run", 2, "u", "p", "d"
    )
    assert dsn.parse("postgresql://a@%2Frun/c").host == "/run"


def test_no_form_of_printing_shows_a_secret() -> None:
    """repr, str, format and redacted hide the password and secret parameters."""
    made = Dsn("h", 1, "ada", "hunter2", "d", (("sslpassword", "hunter3"),))
    for shown in (repr(made), str(made), f"{made}", made.redacted, repr([made]), repr({"dsn": made})):
        assert "hunter" not in shown
    assert made.redacted == "postgresql://ada:***@h:1/d?sslpassword=%2A%2A%2A"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("mysql://ada:hunter2@h/d", "'mysql'"),
        ("postgresql+mysql://ada:hunter2@h/d", "'postgresql+mysql'"),
        ("ada:hunter2@h/d", "no scheme"),
        ("", "no scheme"),
        ("postgresql://ada:hunter2@h:http/d", "port 'http'"),
        ("postgresql://ada:hunter2@h:0/d", "port '0'"),
        ("postgresql://ada:hunter2@h:65536/d", "port '65536'"),
        ("postgresql://ada:hunter2@h:-1/d", "port '-1'"),
        ("postgresql://ada:hunter2@h:٣/d", "port"),
        ("postgresql://ada:hunter2", "port"),
        ("postgresql://ada:hunter2#x@h/d", "'#'"),
        ("postgresql://ada:hunter2/x@h/d", "'/'"),
        ("postgresql://ada:hunter2?x@h/d", "'?'"),
        ("postgresql://ada:hunter2@[::1/d", "host"),
        ("postgresql://ada:hunter2@h1,h2/d", "lists several servers"),
        ("postgresql://ada:hunter2@h1:5432,h2:5432/d", "lists several servers"),
        ("postgresql://ada:hunter2@/d?host=h1,h2", "'h1,h2'"),
        ("postgresql://ada:hunter2%00@h/d", "password"),
        ("postgresql://ada:hunter2%ff@h/d", "password"),
        ("postgresql://%ff:hunter2@h/d", "user"),
        ("postgresql://ada:hunter2@h/d?sslmode", "parameters"),
    ],
)
def test_a_bad_url_names_its_part_and_never_the_password(url: str, part: str) -> None:
    """The message says which part and how to write it; the URL itself is not repeated."""
    with pytest.raises(DatabaseError) as caught:
        dsn.parse(url)
    assert part in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "written",
    [
        "postgresql+asyncpg://ada:s@h/d",
        "postgresql+psycopg2://ada:s@h/d",
        "postgresql+psycopg://ada:s@h/d",
        "PostgreSQL://ada:s@h/d",
        "POSTGRES+ASYNCPG://ada:s@h/d",
        "postgresql://ada:s@h/d\n",
        "  'postgresql://ada:s@h/d' ",
        '"postgres://ada:s@h/d"\n',
    ],
)
def test_a_url_may_look_as_in_other_programs_settings(written: str) -> None:
    """A driver in the scheme, large letters, quotes and white space around it: all name the same server."""
    assert dsn.parse(written) == Dsn("h", 5432, "ada", "s", "d")
    assert dsn.from_environment({"DATABASE_URL": written}) == Dsn("h", 5432, "ada", "s", "d")


def test_the_source_of_an_address_can_be_named() -> None:
    """DATABASE_URL wins; else the variables that are set."""
    assert dsn.source({"DATABASE_URL": "x", "PGHOST": "h"}) == "DATABASE_URL"
    assert dsn.source({"PGPORT": "1", "PGHOST": "h", "PGUSER": ""}) == "PGHOST, PGPORT"
    assert dsn.source({}) == ""


def test_the_environment_without_a_database_means_the_private_one() -> None:
    """None, not a default server: PGSSLMODE and the like name no server."""
    assert dsn.from_environment({}) is None
    assert dsn.from_environment({"PGSSLMODE": "require", "DATABASE_URL": "", "PGHOST": ""}) is None


def test_database_url_comes_before_pg_variables() -> None:
    """PGPASSWORD still fills in a password the URL leaves out."""
    environ = {"DATABASE_URL": "postgresql://ada@h/shop", "PGHOST": "other", "PGPASSWORD": "secret"}
    assert dsn.from_environment(environ) == Dsn("h", 5432, "ada", "secret", "shop")


def test_each_pg_variable_counts() -> None:
    """Any one of them names a server; the others take libpq's defaults."""
    assert dsn.from_environment({"PGHOST": "h"}) == Dsn("h", 5432, ME, "", ME)
    assert dsn.from_environment({"PGPORT": "6000"}) == Dsn("127.0.0.1", 6000, ME, "", ME)
    assert dsn.from_environment({"PGUSER": "ada"}) == Dsn("127.0.0.1", 5432, "ada", "", "ada")
    assert dsn.from_environment({"PGDATABASE": "shop"}) == Dsn("127.0.0.1", 5432, ME, "", "shop")
    assert dsn.from_environment({"PGPASSWORD": "p"}) == Dsn("127.0.0.1", 5432, ME, "p", ME)
    with pytest.raises(DatabaseError, match="PGPORT 'x'"):
        dsn.from_environment({"PGPORT": "x"})


def test_the_password_file_works_as_with_libpq(tmp_path: Path) -> None:
    """First matching line, with wildcards and escapes; a file that others may read is ignored."""
    path = tmp_path / "pgpass"
    path.write_text("# mine\nother:*:*:*:no\nh:5432:shop:ada:a\\:b\\\\c\n*:*:*:*:rest\n", encoding="utf-8")
    path.chmod(0o600)
    environ = {"PGHOST": "h", "PGUSER": "ada", "PGDATABASE": "shop", "PGPASSFILE": str(path)}

    def password(**changes: str) -> str:
        found = dsn.from_environment(environ | changes)
        assert found is not None
        return found.password

    assert password() == "a:b\\c"
    assert password(PGDATABASE="else") == "rest"
    assert password(PGPASSWORD="given") == "given"
    assert password(PGPASSFILE=str(tmp_path / "none")) == ""
    assert password(PGHOST="/run/elsewhere") == "rest"
    path.chmod(0o644)
    assert password() == ""


def test_the_settings_of_variables_are_part_of_the_address() -> None:
    """Services get none of the user's PG* variables, so PGSSLMODE and its like must be in their address."""
    environ = {"PGHOST": "h", "PGUSER": "ada", "PGSSLMODE": "require", "PGOPTIONS": "-c a=b", "PGAPPNAME": "mine"}
    found = dsn.from_environment(environ)
    assert found is not None
    assert dict(found.parameters) == {"sslmode": "require", "options": "-c a=b", "application_name": "mine"}
    given = dsn.parse("postgresql://ada@h/d?sslmode=verify-ca", environ)
    assert dict(given.parameters)["sslmode"] == "verify-ca"
    assert dsn.parse("postgresql://ada@h/d", {"PGCLIENTENCODING": "LATIN1"}).parameters == ()


def test_a_service_and_a_password_file_may_stand_in_the_url(tmp_path: Path) -> None:
    """They are followed once; no library is left to look for them elsewhere."""
    services, passwords = tmp_path / "services", tmp_path / "passwords"
    services.write_text("[shop]\nhost=db.example\nport=6000\nuser=ada\ndbname=orders\nsslmode=require\n")
    passwords.write_text("db.example:6000:orders:ada:of the file\n")
    passwords.chmod(0o600)
    expected = Dsn("db.example", 6000, "ada", "of the file", "orders", (("sslmode", "require"),))
    assert dsn.parse(f"postgresql:///?service=shop&passfile={passwords}", {"PGSERVICEFILE": str(services)}) == expected
    assert dsn.parse(f"postgresql:///?service=shop&servicefile={services}&passfile={passwords}", {}) == expected
    with pytest.raises(DatabaseError, match="the service 'none' is in no service file"):
        dsn.parse(f"postgresql:///?service=none&servicefile={services}", {})


def test_a_service_without_a_user_leaves_it_to_the_variable(tmp_path: Path) -> None:
    """libpq would fill in the account's name there; PGUSER comes first."""
    services = tmp_path / "services"
    services.write_text("[shop]\nhost=db.example\n")
    environ = {"PGSERVICEFILE": str(services), "PGUSER": "ada", "PGDATABASE": "orders"}
    assert dsn.parse("postgresql:///?service=shop", environ) == Dsn("db.example", 5432, "ada", "", "orders")
