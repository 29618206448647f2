"""pg_stat_statements: whether a role can have its statements counted, what is missing for it, and the counts."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

NAME = "pg_stat_statements"
TRACK = f"{NAME}.track"
COUNTING = "top"
"""The value of TRACK with which every statement of a client counts once."""
GRANTED_FROM = 150000  # GRANT SET ON PARAMETER


@dataclass(frozen=True)
class Counting:
    """What a role finds. `has`: the database has the extension, or the role may create it.

    `switches`: the role may switch counting on for its own sessions. `on`: it is already on for them. What cannot be
    known because something else is missing counts as there.
    """

    preloaded: bool
    has: bool
    reads: bool
    switches: bool
    on: bool
    version_num: int
    role: str
    database: str

    @property
    def works(self) -> bool:
        """Whether statements of this role can be counted."""
        return not self.missing()

    def missing(self) -> list[tuple[str, str]]:
        """Each thing that is missing, with its remedy."""
        found = []
        if not self.preloaded:
            remedy = f"set shared_preload_libraries = '{NAME}' and restart the server"
            found.append((f"the server does not preload {NAME}", remedy))
        if not self.has:
            remedy = f"as an administrator, CREATE EXTENSION {NAME} in database {self.database}"
            found.append((f"the database has no extension {NAME}, and the role may not create it", remedy))
        if not self.reads:
            remedy = f"as an administrator, GRANT SELECT ON {NAME} TO {self.role}, and USAGE on its schema"
            found.append((f"the role may not read {NAME}", remedy))
        if not (self.switches or self.on):
            if self.version_num >= GRANTED_FROM:
                remedy = f"as a superuser, GRANT SET ON PARAMETER {TRACK} TO {self.role}"
            else:
                remedy = f"as a superuser, ALTER ROLE {self.role} SET {TRACK} = '{COUNTING}' for the time of the run"
            found.append((f"the role may not switch {TRACK}", remedy))
        return found

    def __str__(self) -> str:
        """What is missing, each with its remedy; empty if nothing is."""
        return "; ".join(f"{what}: {remedy}" for what, remedy in self.missing())


def counting(conn: psycopg.Connection) -> Counting:
    """Try it in a transaction that is rolled back: on managed servers, rights do not follow from attributes alone.

    Raises psycopg.Error where not even the catalogues can be read.
    """
    row = conn.execute(
        f"""
        SELECT EXISTS (SELECT FROM pg_settings WHERE name = '{TRACK}'), coalesce(current_setting('{TRACK}', true), ''),
               rolsuper, quote_ident(current_user), quote_ident(current_database())
        FROM pg_roles WHERE rolname = current_user
        """  # noqa: S608  # constants of ours
    ).fetchone()
    assert row is not None  # noqa: S101  # the current role has a row
    preloaded, track, superuser, role, database = row
    has = reads = switches = True
    with conn.transaction(force_rollback=True):
        has = _works(conn, f"CREATE EXTENSION IF NOT EXISTS {NAME}")
        if preloaded and has:
            reads = _works(conn, _query(conn))
        if preloaded:
            switches = _works(
                conn, f"SET LOCAL {TRACK} = 'none'", f"ALTER ROLE CURRENT_USER SET {TRACK} = '{COUNTING}'"
            )
        elif not superuser:
            switches = conn.info.server_version >= GRANTED_FROM and _is_granted(conn)
    on = preloaded and track == COUNTING
    return Counting(preloaded, has, reads, switches, on, conn.info.server_version, role, database)


def _is_granted(conn: psycopg.Connection) -> bool:
    row = conn.execute("SELECT has_parameter_privilege(%s, 'SET')", [TRACK]).fetchone()
    return row is not None and bool(row[0])


def _works(conn: psycopg.Connection, *statements: str | sql.Composed) -> bool:
    try:
        with conn.transaction():
            for one in statements:
                conn.execute(one.encode() if isinstance(one, str) else one)
    except psycopg.Error:
        return False
    return True


def exists(conn: psycopg.Connection) -> bool:
    """Whether the database has the extension."""
    return bool(conn.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [NAME]).fetchone())


def of_role(conn: psycopg.Connection) -> str | None:
    """The value of TRACK that the role itself has (ALTER ROLE), in any database; None if it has none."""
    row = conn.execute("SELECT coalesce(rolconfig, '{}') FROM pg_roles WHERE rolname = current_user").fetchone()
    return next((one.partition("=")[2] for one in (row[0] if row else ()) if one.startswith(f"{TRACK}=")), None)


def counter(conn: psycopg.Connection) -> Callable[[], int]:
    """Counts the statements of this role in this database so far, without those that count.

    Other roles may work in the same database meanwhile. The result raises psycopg.Error.
    """
    query = _query(conn)

    def count() -> int:
        row = conn.execute(query).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has a row
        return int(row[0])

    return count


def _query(conn: psycopg.Connection) -> sql.Composed:
    """The extension may be in a schema that is not on the role's search path."""
    found = conn.execute(
        "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = %s",
        [NAME],
    ).fetchone()
    return sql.SQL(
        "SELECT coalesce(sum(calls), 0)::bigint FROM {}"
        " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND userid = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        " AND coalesce(query, '') NOT LIKE {}"
    ).format(sql.Identifier(*(found or ()), NAME), sql.Literal(f"%{NAME}%"))
