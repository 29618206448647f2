"""The settings of an address: every one that libpq knows, with its variable, as libpq itself lists them."""

from collections.abc import Iterable, Mapping
from functools import cache

from psycopg import pq

from suite import lookup
from suite.errors import DatabaseError

PARTS = ("host", "hostaddr", "port", "user", "password", "dbname")
"""These are fields of `Dsn`."""
CONSUMED = ("service", "servicefile", "passfile")
"""These lead to other settings. They are followed once, when an address is read; no library gets them."""
NOT_PASSED_ON = ("PGCLIENTENCODING",)  # meant for a terminal; the suite's data is UTF-8
TEXTS = frozenset({"utf8", "utf-8", "unicode"})
OFF = frozenset({"0", "off", "false", "no"})
_LOGIN = "is a way to log in that only some libraries have"
UNUSABLE = {
    "sslkeylogfile": "writes the keys of all connections to a file",
    **dict.fromkeys(("scram_client_key", "scram_server_key"), _LOGIN),
    **dict.fromkeys(("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"), _LOGIN),
}
"""No service gets these, and why."""
# What other programs write behind the '?', and how it is written here.
ELSEWHERE = {
    "ssl": "sslmode=require",
    "schema": "options=-csearch_path%3DSCHEMA",
    "search_path": "options=-csearch_path%3DSCHEMA",
    "currentschema": "options=-csearch_path%3DSCHEMA",
    "pgbouncer": "the option --pooler transaction",
    "statement_cache_size": "the option --pooler transaction",
    "prepared_statement_cache_size": "the option --pooler transaction",
    "pool_size": "the option --pool-size",
    "min_size": "the option --pool-size",
    "max_size": "the option --pool-size",
    "connection_limit": "the option --pool-size",
    "timeout": "connect_timeout=SECONDS",
    "sslaccept": "sslmode=verify-full or sslmode=require",
    "database": "dbname=NAME",
}


@cache
def variables() -> dict[str, str]:
    """The environment variable of each setting that has one."""
    return {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}


@cache
def names() -> tuple[str, ...]:
    """All settings that an address may have."""
    of_libpq = (one.keyword.decode() for one in pq.Conninfo.get_defaults())
    return tuple(dict.fromkeys((*of_libpq, *CONSUMED)))  # some versions of libpq have no servicefile


def from_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings beside host, user and the like that variables give, such as PGSSLMODE."""
    handled = {*PARTS, *CONSUMED, "options"}
    return {
        name: environ[variable]
        for name, variable in variables().items()
        if name not in handled and variable not in NOT_PASSED_ON and environ.get(variable)
    }


def check_known(given: Iterable[str]) -> None:
    """Raise DatabaseError for a parameter that is none of libpq's, with the way to write it."""
    for name in given:
        if name in names():
            continue
        if other := ELSEWHERE.get(name.lower()):
            raise DatabaseError(f"the database URL's parameter {name!r} is none of libpq's: write {other} in its place")
        near = lookup.nearest(name, names()) or ": leave it out"
        raise DatabaseError(f"the database URL's parameter {name!r} is none of libpq's{near}")


def check_usable(given: Mapping[str, str], *, host: str, address: str) -> None:
    """Raise DatabaseError for settings with which no service could be measured, or not all in one way."""
    if not given.get("connect_timeout", "0").strip().lstrip("-").isdecimal():
        raise DatabaseError(f"the setting connect_timeout is {given['connect_timeout']!r}: write whole seconds")
    if host and address and host != address and given.get("sslmode") == "verify-full":
        raise DatabaseError(
            "hostaddr with sslmode=verify-full works with libpq alone: leave hostaddr out, and give host the"
            " certificate's name"
        )
    if given.get("sslrootcert") == "system":
        raise DatabaseError(
            "sslrootcert=system means other files to each library: name the file of the CA certificates"
        )
    if given.get("replication", "").lower() not in {"", *OFF}:
        raise DatabaseError("the setting replication makes a connection for replicas: leave it out")
    if given.get("client_encoding", "utf8").lower() not in TEXTS:
        raise DatabaseError(f"the setting client_encoding is {given['client_encoding']!r}: the dataset needs UTF8")
    for name, why in UNUSABLE.items():
        if name in given:
            raise DatabaseError(f"the setting {name} {why}: leave it out")
