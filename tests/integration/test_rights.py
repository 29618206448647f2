"""Roles as people have them on their own PostgreSQL: what a run will not know is said, with what allows it."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from bench.commands import doctor
from bench.measure import database
from bench.measure.database import Database
from bench.measure.gate import counts
from db import gaps, rights, server
from db.address.dsn import Dsn
from db.data import loader
from suite.errors import DatabaseError
from tests import postgresql
from tests.postgresql import NamedServer

SCALE = 0.001
# As cloud providers make it: no superuser, but more than an ordinary role.
MANAGED = (
    "CREATE ROLE rds_superuser NOSUPERUSER CREATEDB CREATEROLE",
    "GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO rds_superuser",
)


@pytest.fixture(scope="module")
def named() -> Iterator[NamedServer]:
    """A stock server that preloads pg_stat_statements, as managed ones do."""
    with postgresql.running({"shared_preload_libraries": "pg_stat_statements"}) as one:
        one.execute(*MANAGED)
        yield one


def about(where: Dsn, needed: int | None = None, *, loaded: bool = False) -> dict[str, gaps.RoleFinding]:
    return {one.about: one for one in gaps.findings(rights.of(where), needed=needed, loaded=loaded)}


def test_a_superuser_lacks_nothing(named: NamedServer) -> None:
    assert gaps.gaps(rights.of(named.dsn)) == []
    assert {one.remedy for one in about(named.dsn).values()} == {""}
    assert "a superuser" in about(named.dsn)["role"].text


def test_each_gap_of_an_ordinary_role_is_closed_by_its_remedy(named: NamedServer) -> None:
    """They are followed to the letter, one after the other."""
    clerk = named.add_role("clerk", owns="clerk")
    named.execute("ALTER ROLE clerk SET idle_session_timeout = '90s'")
    found = about(clerk)
    lacking = {name for name, one in found.items() if one.remedy}
    assert lacking == {"settings", "other roles", "checkpoint", "statements", "time-out"}
    assert "idle_session_timeout is 90s" in found["time-out"].text
    assert not any(one.forbids for one in found.values())
    for name in sorted(lacking):
        for statement in re.findall(r"(?:GRANT|ALTER|CREATE) .*?(?= in database|,|;|$)", found[name].remedy):
            named.execute(statement, dbname="clerk")
    assert {one.remedy for one in about(clerk).values()} == {""}


def test_a_managed_servers_administrator_is_no_superuser_and_no_ordinary_role(named: NamedServer) -> None:
    """It sees and may nearly everything; its tables go into a database of its own."""
    admin = named.add_role("cloud_admin", "IN ROLE rds_superuser", owns="cloud")
    found = rights.of(admin)
    assert found.kind == "an administrator of a managed server (a member of rds_superuser)"
    assert (found.superuser, found.sees_others, found.checkpoints, found.creates_tables) == (False, True, True, True)
    assert found.unknown_settings == ()
    assert [one.about for one in gaps.findings(found) if one.remedy] == ["statements"]  # only CREATE EXTENSION


def test_a_role_with_a_schema_of_its_own_measures_there(named: NamedServer) -> None:
    """Its search_path comes from ALTER ROLE. Statements are counted, although the extension is in public."""
    named.execute("CREATE DATABASE shared")
    tenant = named.add_role("tenant")
    tenant = named.of("tenant", "shared")
    named.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC", "CREATE EXTENSION pg_stat_statements", dbname="shared")
    refused = about(tenant)["tables"]
    assert refused.forbids
    with pytest.raises(DatabaseError, match=r"no dataset can be loaded at .*search_path"):
        database.loaded(Database(tenant, private=False, rights=rights.of(tenant)), SCALE)
    named.execute("GRANT USAGE ON SCHEMA public TO tenant", dbname="shared")
    assert "GRANT CREATE ON SCHEMA public TO tenant" in about(tenant)["tables"].remedy
    named.execute("CREATE SCHEMA AUTHORIZATION tenant", "ALTER ROLE tenant SET search_path = tenant", dbname="shared")
    assert about(tenant)["tables"].text == "made in schema tenant"
    database.loaded(Database(tenant, private=False, rights=rights.of(tenant)), SCALE)
    loader.check(tenant, SCALE)
    with counts.tracked(tenant) as statements:
        assert statements is not None
        before = statements()
        with psycopg.connect(tenant.url) as service, server.connect(named.of("owner", "shared")) as other:
            for _ in range(3):
                service.execute("SELECT count(*) FROM users")
                other.execute("SELECT count(*) FROM pg_class")  # of another role, in the same database
        assert statements() - before == 5  # with BEGIN and COMMIT


def test_what_a_role_had_set_itself_is_there_again_after_counting(named: NamedServer) -> None:
    named.execute("ALTER ROLE owner SET pg_stat_statements.track = 'all'")
    with counts.tracked(named.dsn) as statements:
        assert statements is not None
    with server.connect(named.dsn) as conn:
        assert conn.execute("SHOW pg_stat_statements.track").fetchone() == ("all",)
    named.execute("ALTER ROLE owner RESET pg_stat_statements.track")


def test_few_connections_are_named_with_who_allows_no_more(named: NamedServer) -> None:
    """Of the role, of the database, of the server. The dataset is loaded with five."""
    few = named.add_role("few", "CONNECTION LIMIT 5", owns="few")
    with pytest.raises(DatabaseError, match=r"role few has CONNECTION LIMIT 5, .*ALTER ROLE few CONNECTION LIMIT -1"):
        database.check_connections(Database(few, private=False), 2)
    assert about(few, needed=75)["connections"].remedy == "ALTER ROLE few CONNECTION LIMIT -1"
    assert about(few, needed=5)["connections"].remedy == ""
    loader.load(few, SCALE)
    named.execute("ALTER DATABASE few CONNECTION LIMIT 3")
    assert about(few, needed=5)["connections"].remedy == "ALTER DATABASE few CONNECTION LIMIT -1"
    named.execute("ALTER ROLE few CONNECTION LIMIT -1", "ALTER DATABASE few CONNECTION LIMIT -1")
    said = about(few)["connections"].text
    assert said.startswith("97 are free for the role: max_connections is 100 and 3 of them are reserved")
    others = [server.connect(named.dsn) for _ in range(90)]  # of another role, which shows few nothing but themselves
    try:
        with pytest.raises(DatabaseError, match="raise max_connections"):
            database.check_connections(Database(few, private=False), 10)
    finally:
        for one in others:
            one.close()


def test_time_outs_of_the_role_hold_for_services_and_not_for_the_suite(named: NamedServer) -> None:
    """Loading takes longer than this statement_timeout allows."""
    hasty = named.add_role("hasty", owns="hasty")
    named.execute("ALTER ROLE hasty SET statement_timeout = '20ms'", "ALTER DATABASE hasty SET lock_timeout = '3s'")
    with pytest.raises(psycopg.errors.QueryCanceled), psycopg.connect(hasty.url) as service:
        service.execute("SELECT pg_sleep(0.2)")
    with server.connect(hasty) as ours:
        ours.execute("SELECT pg_sleep(0.2)")
    loader.load(hasty, SCALE)
    loader.check(hasty, SCALE, contents=True)
    said = [str(one) for one in gaps.findings(rights.of(hasty)) if one.about == "time-out"]
    assert [one.partition(" is ")[0] for one in said] == ["lock_timeout", "statement_timeout"]
    assert said[0].endswith("ALTER DATABASE hasty RESET lock_timeout")
    assert said[1].endswith("ALTER ROLE hasty RESET statement_timeout")


def test_tables_that_another_role_has_loaded_cannot_be_vacuumed(named: NamedServer) -> None:
    named.execute("CREATE DATABASE lent")
    loader.load(named.of("owner", "lent"), SCALE)
    borrower = named.add_role("borrower")
    found = about(named.of("borrower", "lent"), loaded=True)["vacuum"]
    assert found.text.startswith("users, products, orders, order_items, notes belong to another role")
    assert borrower.user in found.remedy


def test_a_server_that_accepts_no_writes_is_refused_before_anything_starts(named: NamedServer) -> None:
    """A role that only reads, and a standby: each by name."""
    reader = named.add_role("reader", owns="reading")
    named.execute("ALTER ROLE reader SET default_transaction_read_only = on")
    rows = list(doctor._database(reader.url))
    assert [state for _, state, _ in rows] == ["error"]
    assert "ALTER ROLE reader RESET default_transaction_read_only" in rows[0][2]
    with postgresql.running(files={"standby.signal": ""}) as standby:
        rows = list(doctor._database(standby.dsn.url))
    assert [state for _, state, _ in rows] == ["error"]
    assert "it is a standby, which accepts no writes: name its primary" in rows[0][2]


def test_doctor_has_a_line_for_each_right(named: NamedServer) -> None:
    """With this role it could start, and would not know everything."""
    plain = named.add_role("plain", owns="plain")
    rows = {what: (state, how) for what, state, how in doctor._database(plain.url)}
    assert rows["role"] == ("ok", f"plain, an ordinary role, on PostgreSQL {rights.of(plain).version}")
    assert rows["tables"][0] == rows["vacuum"][0] == rows["connections"][0] == "ok"
    assert rows["other roles"] == (
        "note",
        "of connections of other roles only their number is known, not what they do: GRANT pg_read_all_stats TO plain",
    )
    assert rows["statements"][0] == rows["checkpoint"][0] == rows["settings"][0] == "note"
