"""What a role may do and see on a PostgreSQL, and how many connections are left for it. Nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from db import server, statements
from db.address.dsn import Dsn
from db.settings import SETTINGS
from db.statements import Counting

ADMINS = ("rds_superuser", "cloudsqlsuperuser", "azure_pg_admin")
"""What managed servers call the role of their customers' administrators. It is no superuser."""
TABLES = ("users", "products", "orders", "order_items", "notes")
ADDED = frozenset({statements.TRACK})  # a setting that exists only where the library is loaded
NEWER_TIMEOUTS = ("transaction_timeout",)
MAINTAINED_FROM = 170000  # GRANT MAINTAIN ON TABLE


@dataclass(frozen=True)
class Limit:
    """A number of connections that something allows. `who` in words; `remedy` raises it."""

    most: int
    taken: int
    who: str
    remedy: str

    @property
    def free(self) -> int:
        """How many are left, beside the connection that has asked."""
        return self.most - self.taken


@dataclass(frozen=True)
class Timeout:
    """A time-out that sessions of the role get. `source` is where it was set, in PostgreSQL's word."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Rights:
    """What a role may do. Names are quoted where SQL needs it.

    `admin`: the managed server's role of administrators that it belongs to, or what makes it one; empty for others.
    `schema`: where its tables go, None where its search path leads to none. `others_tables`: tables by the dataset's
    names that it may not vacuum. `read_only`: why it cannot write at all.
    """

    role: str
    database: str
    version: str
    version_num: int
    superuser: bool
    admin: str
    schema: str | None
    creates_tables: bool
    others_tables: tuple[str, ...]
    unknown_settings: tuple[str, ...]
    sees_others: bool
    checkpoints: bool
    counting: Counting | None
    limits: tuple[Limit, ...]
    timeouts: tuple[Timeout, ...]
    read_only: str

    @property
    def kind(self) -> str:
        """What sort of role it is, in words."""
        if self.superuser:
            return "a superuser"
        return f"an administrator of a managed server ({self.admin})" if self.admin else "an ordinary role"

    @property
    def tightest(self) -> Limit:
        """What leaves the fewest connections."""
        return min(self.limits, key=lambda limit: limit.free)


# Roles that an older version does not have give no row, and so no right.
_HAS = "EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = '{}' AND pg_has_role(r.oid, 'USAGE'))"
_MAINTAINS = "has_table_privilege(c.oid, 'MAINTAIN')"
# A role without pg_read_all_stats sees of others' connections that they exist, their role and their database.
_FACTS = """
    WITH me AS (SELECT * FROM pg_roles WHERE rolname = current_user),
    db AS (SELECT * FROM pg_database WHERE datname = current_database()),
    taken AS (
        SELECT usesysid, datid FROM pg_stat_activity
        WHERE coalesce(backend_type = 'client backend', usesysid IS NOT NULL AND datid IS NOT NULL)
          AND pid <> pg_backend_pid()
    )
    SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
        current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num,
        me.rolsuper AS superuser, me.rolcreaterole AS creates_roles, {monitors} AS monitors,
        (SELECT min(r.rolname) FROM pg_roles AS r
         WHERE r.rolname = ANY (%(admins)s) AND pg_has_role(r.oid, 'MEMBER')) AS admin,
        quote_ident(current_schema()) AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS creates_tables,
        ARRAY(SELECT name FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS wanted (name, number)
              JOIN pg_class AS c ON c.oid = to_regclass(name)
              WHERE NOT (pg_has_role(c.relowner, 'USAGE') OR {maintains}) ORDER BY number) AS others_tables,
        ARRAY(SELECT wanted FROM unnest(%(settings)s::text[]) AS wanted
              WHERE wanted NOT IN (SELECT lower(name) FROM pg_settings)) AS unknown_settings,
        {sees} AS sees_others, {checkpoints} AS checkpoints,
        current_setting('max_connections')::int AS max_connections,
        CASE WHEN me.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
            + CASE WHEN {reserved} THEN 0 ELSE coalesce(current_setting('reserved_connections', true)::int, 0) END
        END AS reserved,
        me.rolconnlimit AS of_role, db.datconnlimit AS of_database,
        (SELECT count(*) FROM taken) AS taken, (SELECT count(*) FROM taken WHERE usesysid = me.oid) AS taken_by_role,
        (SELECT count(*) FROM taken WHERE datid = db.oid) AS taken_in_database,
        pg_is_in_recovery() AS standby
    FROM me, db
"""
_SET = """
    SELECT name, current_setting(name) AS value, source FROM pg_settings
    WHERE name = ANY (%s) AND setting NOT IN ('0', 'off') ORDER BY name
"""


def of(dsn: Dsn) -> Rights:
    """Ask the server, over a connection with the settings that services get.

    Raises DatabaseError if it cannot be reached or does not answer.
    """
    doing = server.explained(dsn, "reading what the role may do", "check the server's log")
    with doing, server.connect(dsn, as_services=True) as conn:
        read_only, timeouts = _found_set(conn)
        maintains = _MAINTAINS if conn.info.server_version >= MAINTAINED_FROM else "false"
        query = _FACTS.format(
            monitors=_HAS.format("pg_monitor"),
            maintains=maintains,
            sees=_HAS.format("pg_read_all_stats"),
            checkpoints=_HAS.format("pg_checkpoint"),
            reserved=_HAS.format("pg_use_reserved_connections"),
        )
        wanted = {
            "admins": list(ADMINS),
            "tables": list(TABLES),
            "settings": sorted({*SETTINGS} - ADDED),
        }
        facts = conn.cursor(row_factory=dict_row).execute(query.encode(), wanted).fetchone()
        assert facts is not None  # noqa: S101  # the current role and database have a row
        if facts["standby"]:
            read_only = "it is a standby, which accepts no writes"
        counting = None if read_only else statements.counting(conn)
        return _rights(facts, counting=counting, timeouts=timeouts, read_only=read_only)


def _found_set(conn: psycopg.Connection) -> tuple[str, tuple[Timeout, ...]]:
    """Why transactions are read-only (empty if they are not), and the time-outs."""
    names = ["default_transaction_read_only", *server.TIMEOUTS, *NEWER_TIMEOUTS]
    found = {row[0]: Timeout(*row) for row in conn.execute(_SET, [names])}
    read_only = found.pop("default_transaction_read_only", None)
    why = f"default_transaction_read_only is on (set for: {read_only.source})" if read_only else ""
    return why, tuple(found.values())


def _rights(
    facts: Mapping[str, Any], *, counting: Counting | None, timeouts: tuple[Timeout, ...], read_only: str
) -> Rights:
    superuser, role, database = facts["superuser"], facts["role"], facts["database"]
    admin = f"a member of {facts['admin']}" if facts["admin"] else ""
    if not admin and facts["creates_roles"] and facts["monitors"]:
        admin = "it has CREATEROLE and pg_monitor"
    return Rights(
        **{name: facts[name] for name in ("role", "database", "version", "version_num", "superuser", "schema")},
        admin="" if superuser else admin,
        creates_tables=facts["creates_tables"],
        others_tables=tuple(facts["others_tables"]),
        unknown_settings=tuple(facts["unknown_settings"]),
        sees_others=facts["sees_others"],
        checkpoints=superuser or facts["checkpoints"],
        counting=counting,
        limits=tuple(_limits(facts, role, database)),
        timeouts=timeouts,
        read_only=read_only,
    )


def _limits(facts: Mapping[str, Any], role: str, database: str) -> list[Limit]:
    most, reserved = facts["max_connections"], facts["reserved"]
    who = f"max_connections is {most}" + (f" and {reserved} of them are reserved" if reserved else "")
    found = [Limit(most - reserved, facts["taken"], who, "raise max_connections")]
    if facts["superuser"]:  # the limits of roles and databases do not hold for it
        return found
    if (of_role := facts["of_role"]) >= 0:
        who = f"role {role} has CONNECTION LIMIT {of_role}"
        found.append(Limit(of_role, facts["taken_by_role"], who, f"ALTER ROLE {role} CONNECTION LIMIT -1"))
    if (of_database := facts["of_database"]) >= 0:
        who = f"database {database} has CONNECTION LIMIT {of_database}"
        remedy = f"ALTER DATABASE {database} CONNECTION LIMIT -1"
        found.append(Limit(of_database, facts["taken_in_database"], who, remedy))
    return found
