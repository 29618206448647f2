"""Connections to any PostgreSQL. Only this module opens them, so that errors read the same everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from db.address.dsn import Dsn
from db.settings import SETTINGS
from suite.errors import DatabaseError

OLDEST_VERSION_NUM = 140000
# Settings of a role or a database that end a session or a statement of ours. PostgreSQL 14 has all of them.
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")


def connect(
    dsn: Dsn, *, autocommit: bool = True, timeout_s: float = 5, as_services: bool = False, options: str | None = None
) -> psycopg.Connection:
    """Open a connection. The caller closes it (it is a context manager). `options` replaces all others.

    It prepares no statements, which a pooler may give to another session.

    The suite's own work may take as long as it takes: time-outs of the role or the database are off. `as_services`
    leaves them as they are for services.

    Raises:
        DatabaseError: unreachable, refused, no such database, or older than PostgreSQL 14.
    """
    try:
        conn = _open(dsn, autocommit, timeout_s, _options(dsn, as_services=as_services) if options is None else options)
    except psycopg.Error as error:
        reason = summary(error, dsn)
        raise DatabaseError(f"cannot connect to {dsn.redacted}: {reason}; {_remedy(reason)}") from None
    version_num = conn.info.server_version
    if version_num < OLDEST_VERSION_NUM:
        conn.close()
        raise DatabaseError(
            f"{dsn.redacted} is PostgreSQL {version_num // 10000}: use 14 or later, or leave the URL out for a"
            " private PostgreSQL 18"
        )
    encoding = conn.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        conn.close()
        raise DatabaseError(
            f"database {dsn.dbname!r} at {dsn.redacted} is encoded in {encoding}: create one with ENCODING 'UTF8'"
        )
    return conn


def _options(dsn: Dsn, *, as_services: bool) -> str:
    given = dict(dsn.parameters).get("options", "")
    # As an option of the start, it costs no round trip and no transaction, and a pooler cannot pass it on to services.
    return given if as_services else " ".join([given, *(f"-c {name}=0" for name in TIMEOUTS)]).strip()


def _open(dsn: Dsn, autocommit: bool, timeout_s: float, options: str) -> psycopg.Connection:
    try:
        return psycopg.connect(
            dsn.url,
            autocommit=autocommit,
            prepare_threshold=None,
            connect_timeout=max(2, round(timeout_s)),  # libpq accepts whole seconds, and treats 1 as 2
            client_encoding="UTF8",
            options=options,
        )
    except psycopg.OperationalError as error:
        own = _options(dsn, as_services=True)
        # PgBouncer refuses options. The suite can do without its own, but not without those of the address.
        if options != _options(dsn, as_services=False) or "startup parameter" not in str(error):
            raise
        return _open(dsn, autocommit, timeout_s, own)


@contextmanager
def explained(dsn: Dsn, doing: str, remedy: str) -> Iterator[None]:
    """Turn an error of PostgreSQL inside the block into one message: what failed, where, why, and the remedy."""
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(f"{doing} at {dsn.redacted} failed: {summary(error, dsn)}; {remedy}") from error


def summary(error: psycopg.Error, dsn: Dsn) -> str:
    """PostgreSQL's own message on one line, without the password."""
    primary = error.diag.message_primary
    lines = [primary] if primary else [line.strip() for line in str(error).splitlines()]
    text = " ".join(filter(None, lines)) or type(error).__name__
    return text.replace(dsn.password, "***") if len(dsn.password) > 3 else text


def settings(dsn: Dsn) -> dict[str, str]:
    """The effective values of `SETTINGS`, server_version and server_version_num, for environment.json.

    Values have PostgreSQL's own units, as SHOW prints them. Unknown settings are left out, and so are settings that the
    role may not read without pg_read_all_settings.
    """
    names = [*SETTINGS, "server_version", "server_version_num"]
    with explained(dsn, "reading the settings", "check the server's log"), connect(dsn) as conn:
        rows = conn.execute(
            "SELECT lower(name), current_setting(name) FROM pg_settings WHERE lower(name) = ANY (%s)", [names]
        ).fetchall()
    return dict(rows)


def all_settings(dsn: Dsn) -> dict[str, str]:
    """Every setting that can be changed, with the value that a new session of ours has."""
    with explained(dsn, "reading the settings", "check the server's log"), connect(dsn) as conn:
        rows = conn.execute("SELECT name, setting FROM pg_settings WHERE context <> 'internal'").fetchall()
    return {name: value or "" for name, value in rows}


def postmaster_start_time(dsn: Dsn) -> datetime:
    """The start time of the server, in UTC. If it changes, the server was restarted."""
    with explained(dsn, "reading the start time", "check the server's log"), connect(dsn) as conn:
        [started] = conn.execute("SELECT extract(epoch FROM pg_postmaster_start_time())::float8").fetchall()
    return datetime.fromtimestamp(started[0], UTC)


def checkpoint(conn: psycopg.Connection) -> bool:
    """Run CHECKPOINT. False if the role may not, as on most managed servers."""
    try:
        conn.execute("CHECKPOINT")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _remedy(reason: str) -> str:
    if "password" in reason or "authentication" in reason or "pg_hba" in reason:
        return "check the user and the password (PGPASSWORD, ~/.pgpass or the URL)"
    if "database" in reason and "not exist" in reason:
        return "create the database, or use another one"
    if "role" in reason and "not exist" in reason:
        return "use a role that exists there"
    if "too many" in reason or "remaining connection slots" in reason:
        return "close other connections, or raise max_connections"
    return "start that server, check host and port, or unset DATABASE_URL and PG* to use a private PostgreSQL 18"
