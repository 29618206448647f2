"""What each library gets of an address, in its own form, and what it cannot do.

psycopg and psycopg2 pass everything to libpq, each to the one in its wheel. asyncpg speaks the protocol itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import psycopg2
import psycopg2.extensions

from db.address.dsn import Dsn
from db.address.parameters import CONSUMED, OFF, PARTS, TEXTS, UNUSABLE
from suite.errors import DatabaseError

ASYNCPG, PSYCOPG, PSYCOPG2 = "asyncpg", "psycopg", "psycopg2"
PACKAGES = {"asyncpg": ASYNCPG, "psycopg": PSYCOPG, "psycopg2": PSYCOPG2, "psycopg2-binary": PSYCOPG2}
"""The library that connects, by the package that a service.toml names."""

# asyncpg reads these from the URL as libpq does; it sends the last two to the server.
SAME = frozenset({
    "sslmode", "sslnegotiation", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib",
    "application_name", "options",
})  # fmt: skip
# With these values, asyncpg does the same without being told. It would send the name to the server, which refuses it.
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "client_encoding": TEXTS,
    "channel_binding": frozenset({"disable", "prefer"}),
    "keepalives": frozenset({"0"}),
    "keepalives_idle": frozenset({"0"}),
    "keepalives_interval": frozenset({"0"}),
    "keepalives_count": frozenset({"0"}),
    "tcp_user_timeout": frozenset({"0"}),
    "sslcompression": frozenset({"0"}),
    "sslcertmode": frozenset({"allow"}),
    "sslsni": frozenset({"1"}),
    "gssencmode": frozenset({"disable", "prefer"}),
    "gssdelegation": frozenset({"0"}),
    "min_protocol_version": frozenset({"3.0"}),
    "max_protocol_version": frozenset({"3.0"}),
    "load_balance_hosts": frozenset({"disable"}),
    "replication": OFF,
}
TIMEOUT, NAME = "connect_timeout", "fallback_application_name"
LEAST_TIMEOUT_S = 2  # libpq takes 1 as 2


@dataclass(frozen=True)
class Form:
    """An address as one library takes it: a URL, and what has no place in its URL.

    `connect_timeout_s` is None where the library's own default holds, or where the URL says it.
    """

    url: str = field(repr=False)
    connect_timeout_s: float | None = None


class SettingError(DatabaseError):
    """A setting of an address that a library cannot do. `name` is libpq's name for it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def library_of(packages: Iterable[str]) -> str | None:
    """The library that connects, from the packages of a service. None if it is none of these."""
    return next((PACKAGES[one] for one in packages if one in PACKAGES), None)


def form(dsn: Dsn, library: str | None) -> Form:
    """The address for a library. An unknown library gets the URL as it is.

    Raises SettingError for a setting that the library cannot do.
    """
    if library == ASYNCPG:
        return _for_asyncpg(dsn)
    if library == PSYCOPG2:
        _check_psycopg2(dsn)
    return Form(dsn.url)


def _for_asyncpg(dsn: Dsn) -> Form:
    given, timeout_s = dict(dsn.parameters), None
    if text := given.pop(TIMEOUT, ""):
        timeout_s = max(LEAST_TIMEOUT_S, int(text)) if int(text) > 0 else None
    if fallback := given.pop(NAME, ""):
        given.setdefault("application_name", fallback)
    for name, value in list(given.items()):
        if name in SAME:
            continue
        if value.lower() not in LEFT_OUT.get(name, ()):
            raise SettingError(name, f"asyncpg does not know the setting {name}{_instead(name)}")
        del given[name]
    return Form(replace(dsn, parameters=tuple(given.items())).url, timeout_s)


def _instead(name: str) -> str:
    values = sorted(LEFT_OUT.get(name, ()))
    return f", except as {' or '.join(values)}" if values else ""


def _check_psycopg2(dsn: Dsn) -> None:
    for name, value in dsn.parameters:
        try:
            psycopg2.extensions.make_dsn(**{name: value})
        except psycopg2.ProgrammingError:
            version = psycopg2.extensions.libpq_version() // 10000
            raise SettingError(name, f"psycopg2, whose libpq is {version}, does not know the setting {name}") from None


def described(library: str, name: str) -> str:
    """What becomes of a setting, for the table in docs/databases.md."""
    if name in UNUSABLE or name == "replication":
        return "refused"
    if name == "client_encoding":
        return "only `UTF8`"
    if library == ASYNCPG:
        return _by_asyncpg(name)
    try:
        _check_psycopg2(Dsn("", 0, "", "", "", () if name in (*PARTS, *CONSUMED) else ((name, "1"),)))
    except SettingError:
        return "yes" if library == PSYCOPG else "refused"
    return "yes"


def _by_asyncpg(name: str) -> str:
    values = [f"`{one}`" for one in sorted(LEFT_OUT.get(name, ()))]
    forms = {TIMEOUT: "yes, as `timeout=`", NAME: "yes, as `application_name`"}
    same = "yes" if name in (*PARTS, *CONSUMED, *SAME) else "refused"
    return f"only {', '.join(values)}" if values else forms.get(name, same)
