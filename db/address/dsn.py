"""The address of a database, with user and password: parsed once, printed without the password."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode

from db.address import parameters, password_file, service_file
from suite.errors import DatabaseError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5432
SCHEMES = ("postgresql", "postgres")
DRIVERS = ("asyncpg", "aiopg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi", "psycopg3", "psycopg_async")
"""What SQLAlchemy and `databases` write behind the scheme. Each service has its own driver, so it says nothing here."""
VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE")
REMEDY = "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded"
REMEDY_IPV6 = "written in a pair of them in a URL, [::1], and without elsewhere"
LONGEST_PORT = 20  # digits, with leading zeros: Python refuses to parse thousands of digits
_SECRET_PARAMETERS = ("sslpassword", "passfile")


@dataclass(frozen=True, repr=False)
class Dsn:
    """One database. `host` is a name, an address (IPv6 without brackets) or the folder of a Unix socket.

    `password` may be empty. `parameters` are all other settings, by libpq's names.
    """

    host: str
    port: int
    user: str
    password: str
    dbname: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The complete URL with the password: for drivers and environments, never for output."""
        return self._render(self.password and f":{quote(self.password, safe='')}", self.parameters)

    @property
    def redacted(self) -> str:
        """The URL with `***` for every secret: for messages, logs and reports."""
        shown = tuple((key, "***" if key in _SECRET_PARAMETERS else value) for key, value in self.parameters)
        return self._render(":***" if self.password else "", shown)

    def _render(self, password: str, parameters: tuple[tuple[str, str], ...]) -> str:
        user, dbname = quote(self.user, safe=""), quote(self.dbname, safe="")
        if self.host.startswith("/"):
            # A folder cannot be the host part of a URL: libpq, asyncpg and SQLAlchemy all accept it as a parameter.
            location, parameters = "", (("host", self.host), ("port", str(self.port)), *parameters)
        else:
            host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
            location = f"{host}:{self.port}"
        query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
        return f"postgresql://{user}{password}@{location}/{dbname}{query}"

    def __repr__(self) -> str:
        return f"Dsn({self.redacted})"

    __str__ = __repr__


def parse(url: str, environ: Mapping[str, str] | None = None) -> Dsn:
    """Parse a `postgresql://` or `postgres://` URL, and complete it from `environ` as libpq does.

    Small or large letters in the scheme, a driver's name in it, and quotes or white space around the URL are accepted:
    so URLs look in other programs' settings.

    Raises:
        DatabaseError: names the part that cannot be used. It never repeats the URL, which may contain a password.
    """
    _check_text(url, "database URL")
    scheme, separator, rest = _unquoted(url).partition("://")
    dialect, plus, driver = scheme.lower().partition("+")
    if not separator or dialect not in SCHEMES or (plus and driver not in DRIVERS):
        shown = f"the scheme {scheme!r}" if separator and scheme.replace("+", "").isalnum() else "no scheme"
        raise DatabaseError(f"the database URL has {shown}: {REMEDY}")
    before_query, _, query = rest.partition("?")
    location, _, path = before_query.partition("/")
    if "#" in rest or "@" in path or ("@" in query and "@" not in location):
        raise DatabaseError(
            f"the database URL has an unescaped '#', '/' or '?', perhaps in the user or the password: {REMEDY}"
        )
    userinfo, _, host_port = location.rpartition("@")
    if "," in host_port:
        raise DatabaseError("the database URL lists several servers: name the one to measure")
    raw_user, _, raw_password = userinfo.partition(":")
    raw_host, raw_port = _split_host(host_port)
    body = {
        "user": _decode(raw_user, "user"),
        "password": _decode(raw_password, "password"),
        "host": _decode(raw_host, "host"),
        "port": raw_port,
        "dbname": _decode(path, "database"),
    }
    # As with libpq, a query parameter overrides the same value in the rest of the URL.
    given = _query(query)
    parameters.check_known(given)
    body |= {name: given.pop(name) or body[name] for name in body if name in given}
    return _completed(body | given, environ or {}, echo="@" in location)


def _unquoted(url: str) -> str:
    """Without what a shell, a .env file or an editor puts around a URL."""
    url = url.strip()
    return url[1:-1].strip() if len(url) > 1 and url[0] == url[-1] and url[0] in "'\"" else url


def _completed(given: dict[str, str], environ: Mapping[str, str], *, echo: bool) -> Dsn:
    """Complete the given values from the service file, then the environment, then libpq's defaults.

    All of it is written into the DSN, PGSSLMODE and PGOPTIONS, too: services do not get these variables, and drivers
    without libpq do not read all of them.
    """
    service_of, service = given.pop("servicefile", ""), given.pop("service", "") or environ.get("PGSERVICE", "")
    of_service = service_file.lookup(service, {**environ, **({"PGSERVICEFILE": service_of} if service_of else {})})

    def known(name: str, variable: str) -> str:
        return given.pop(name, "") or of_service.pop(name, "") or environ.get(variable, "")

    name, echo = ("port", echo) if given.get("port") or of_service.get("port") else ("PGPORT", True)
    port = _port(known("port", "PGPORT"), name, echo=echo)
    user = known("user", "PGUSER") or os_user()
    password = known("password", "PGPASSWORD")
    dbname = known("dbname", "PGDATABASE") or user
    host, address = known("host", "PGHOST"), known("hostaddr", "PGHOSTADDR")
    passfile = known("passfile", "PGPASSFILE")
    options = given.get("options") or of_service.get("options") or environ.get("PGOPTIONS")
    others = given | {name: value for name, value in of_service.items() if name not in given}
    others |= {name: value for name, value in parameters.from_variables(environ).items() if name not in others}
    others |= {"options": options} if options else {}
    parameters.check_usable(others, host=host, address=address)
    dsn = Dsn(_host(address or host), port, user, password, dbname, tuple(others.items()))
    if password:
        return dsn
    found = password_file.lookup(dsn.host, port, dbname, user, {**environ, "PGPASSFILE": passfile})
    return replace(dsn, password=found)


def _check_text(text: str, name: str) -> None:
    """Refuse text with lone surrogates: they represent bytes that are not UTF-8, and no driver accepts them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DatabaseError(f"the {name} has bytes that are not UTF-8 text: {REMEDY}") from None


def from_environment(environ: Mapping[str, str]) -> Dsn | None:
    """The database in the environment: `DATABASE_URL`, else libpq's PG* variables, else None.

    Defaults are those of libpq, except for the host: it is 127.0.0.1, so every driver connects in the same way.
    """
    if url := environ.get("DATABASE_URL", ""):
        return parse(url, environ)
    if not any(environ.get(name) for name in VARIABLES):
        return None
    for name in VARIABLES:
        _check_text(environ.get(name, ""), f"variable {name}")
    return _completed({}, environ, echo=True)


def source(environ: Mapping[str, str]) -> str:
    """Which variables of the environment name a database; empty where none does."""
    if environ.get("DATABASE_URL"):
        return "DATABASE_URL"
    return ", ".join(name for name in VARIABLES if environ.get(name))


def os_user() -> str:
    """The name of this process's account. It is libpq's default for the user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise DatabaseError(
            f"no database user was given and the account {os.geteuid()} has no name: set PGUSER or {REMEDY}"
        ) from None


def _split_host(host_port: str) -> tuple[str, str]:
    if host_port.startswith("["):
        address, bracket, rest = host_port[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise DatabaseError(f"the database URL's host has an unmatched '[': {REMEDY}")
        return address, rest[1:]
    host, _, port = host_port.partition(":")
    return host, port


def _query(query: str) -> dict[str, str]:
    try:
        found = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict"))
    except ValueError:
        found = {"": "\0"}
    if "\0" in "".join((*found, *found.values())):
        raise DatabaseError(
            "the database URL's parameters (after '?') are not of the form key=value&key=value in UTF-8"
        )
    return found


def _decode(text: str, part: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise DatabaseError(f"the database URL's {part} has bytes that are not UTF-8 text: {REMEDY}") from None
    return decoded


def _host(host: str) -> str:
    if "," in host:
        raise DatabaseError(f"the database host {host!r} lists several servers: name the one to measure")
    if set("[]") & set(host):
        raise DatabaseError(f"the database host {host!r} has a bracket: an IPv6 address is {REMEDY_IPV6}")
    return host or DEFAULT_HOST


def _port(text: str, name: str, *, echo: bool) -> int:
    """Parse a port. `echo` is False if the text may be the end of a password."""
    if not text:
        return DEFAULT_PORT
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_PORT and 1 <= int(text) <= 65535:
        return int(text)
    shown = f"{name} {text!r}" if echo else name
    raise DatabaseError(f"the database {shown} is not a number from 1 to 65535: {REMEDY}")
