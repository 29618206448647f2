"""What each library gets of an address, in its own form, and what it cannot do.

psycopg and psycopg2 pass everything to libpq, each to the one in its wheel. asyncpg and psqlpy speak the protocol
themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import psycopg2
import psycopg2.extensions

from db.address.dsn import Dsn
from db.address.parameters import CONSUMED, OFF, PARTS, TEXTS, UNUSABLE
from suite.errors import DatabaseError

ASYNCPG, PSQLPY, PSYCOPG, PSYCOPG2 = "asyncpg", "psqlpy", "psycopg", "psycopg2"
PACKAGES = {
    "asyncpg": ASYNCPG,
    "psqlpy": PSQLPY,
    "psycopg": PSYCOPG,
    "psycopg2": PSYCOPG2,
    "psycopg2-binary": PSYCOPG2,
}
"""The library that connects, by the package that a service.toml names."""

# These read the settings from the URL as libpq does. (asyncpg sends the last two to the server. psqlpy's service takes
# sslrootcert from the URL, and gives it to the pool as an argument.)
SAME: Mapping[str, frozenset[str]] = {
    ASYNCPG: frozenset({
        "sslmode", "sslnegotiation", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword",
        "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib",
        "application_name", "options",
    }),
    PSQLPY: frozenset({
        "sslrootcert", "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "load_balance_hosts",
        "application_name", "options",
    }),
}  # fmt: skip
# psqlpy knows these with some of libpq's values. Without sslmode=require or a certificate's file, it has no TLS.
SOME: Mapping[str, frozenset[str]] = {
    "sslmode": frozenset({"disable", "allow", "require", "verify-ca", "verify-full"}),
    "channel_binding": frozenset({"disable", "prefer"}),
    "target_session_attrs": frozenset({"any", "read-write", "read-only"}),
}
# With these values, a library does the same without being told. asyncpg would send the name to the server, which
# refuses it; psqlpy refuses it itself.
_UNTOLD: Mapping[str, frozenset[str]] = {
    "client_encoding": TEXTS,
    "tcp_user_timeout": frozenset({"0"}),
    "sslcompression": frozenset({"0"}),
    "sslsni": frozenset({"1"}),
    "gssencmode": frozenset({"disable", "prefer"}),
    "gssdelegation": frozenset({"0"}),
    "min_protocol_version": frozenset({"3.0"}),
    "max_protocol_version": frozenset({"3.0"}),
    "replication": OFF,
}
LEFT_OUT: Mapping[str, Mapping[str, frozenset[str]]] = {
    ASYNCPG: {
        **_UNTOLD,
        "channel_binding": frozenset({"disable", "prefer"}),
        "keepalives": frozenset({"0"}),
        "keepalives_idle": frozenset({"0"}),
        "keepalives_interval": frozenset({"0"}),
        "keepalives_count": frozenset({"0"}),
        "sslcertmode": frozenset({"allow"}),
        "load_balance_hosts": frozenset({"disable"}),
    },
    PSQLPY: {
        **_UNTOLD,
        "sslcertmode": frozenset({"allow", "disable"}),  # it has no certificates of clients
        "sslnegotiation": frozenset({"postgres"}),
    },
}
TIMEOUT, NAME, COUNT = "connect_timeout", "fallback_application_name", "keepalives_count"
COUNT_OF_PSQLPY = "keepalives_retries"
NOTHING = frozenset[str]()
VERIFIED = frozenset({"verify-ca", "verify-full"})
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
    if library is not None and library in LEFT_OUT:
        return _for_other_than_libpq(dsn, library)
    if library == PSYCOPG2:
        _check_psycopg2(dsn)
    return Form(dsn.url)


def _for_other_than_libpq(dsn: Dsn, library: str) -> Form:
    given, timeout_s = dict(dsn.parameters), None
    if library == ASYNCPG and (text := given.pop(TIMEOUT, "")):
        timeout_s = max(LEAST_TIMEOUT_S, int(text)) if int(text) > 0 else None
    if fallback := given.pop(NAME, ""):
        given.setdefault("application_name", fallback)
    if library == PSQLPY and given.get("sslmode") in VERIFIED and "sslrootcert" not in given:
        raise SettingError("sslmode", "psqlpy verifies a certificate only with the setting sslrootcert: add it")
    kept = dict[str, str]()
    for name, value in given.items():
        if name in SAME[library] or (library == PSQLPY and value in SOME.get(name, NOTHING)):
            kept[name] = value
        elif library == PSQLPY and name == COUNT:
            kept[COUNT_OF_PSQLPY] = value
        elif value.lower() not in LEFT_OUT[library].get(name, NOTHING):
            raise SettingError(name, f"{library} does not know the setting {name}{_instead(library, name)}")
    return Form(replace(dsn, parameters=tuple(kept.items())).url, timeout_s)


def _instead(library: str, name: str) -> str:
    values = _values(library, name)
    return f", except as {' or '.join(values)}" if values else ""


def _values(library: str, name: str) -> list[str]:
    """Those that a setting may have, if the library does not know all of them."""
    some = SOME.get(name, NOTHING) if library == PSQLPY else NOTHING
    return sorted(some or LEFT_OUT[library].get(name, NOTHING))


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
    if library in LEFT_OUT:
        return _by_other_than_libpq(library, name)
    try:
        _check_psycopg2(Dsn("", 0, "", "", "", () if name in (*PARTS, *CONSUMED) else ((name, "1"),)))
    except SettingError:
        return "yes" if library == PSYCOPG else "refused"
    return "yes"


def _by_other_than_libpq(library: str, name: str) -> str:
    forms = {NAME: "yes, as `application_name`"}
    forms |= {TIMEOUT: "yes, as `timeout=`"} if library == ASYNCPG else {COUNT: f"yes, as `{COUNT_OF_PSQLPY}`"}
    if name in (*PARTS, *CONSUMED, *SAME[library]):
        return forms.get(name, "yes")
    values = [f"`{one}`" for one in _values(library, name)]
    return f"only {', '.join(values)}" if values else forms.get(name, "refused")
