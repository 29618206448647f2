"""What an address asks for that a library cannot do: named, with where it came from, before anything starts."""

import pytest

from bench.measure import database
from suite import catalogue
from suite.errors import DatabaseError

SERVICES = [catalogue.service(name) for name in ("psycopg2_sync", "asyncpg_async", "databases_async", "no_database")]


def refusal(url: str | None) -> str:
    found = database.named(url)
    assert found is not None
    with pytest.raises(DatabaseError) as caught:
        database.check_settings(found, url, SERVICES)
    return str(caught.value)


def test_the_message_has_library_setting_source_and_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option, DATABASE_URL or the variable of the setting itself."""
    url = "postgresql://ada@127.0.0.1/shop"
    for name in ("DATABASE_URL", "PGCHANNELBINDING"):
        monkeypatch.delenv(name, raising=False)
    what = "asyncpg does not know the setting channel_binding, except as disable or prefer"
    remedy = "leave it out, or leave out the services asyncpg_async, databases_async"
    assert refusal(f"{url}?channel_binding=require") == f"--database-url: {what}; {remedy}"
    monkeypatch.setenv("PGCHANNELBINDING", "require")
    assert refusal(url) == f"PGCHANNELBINDING: {what}; {remedy}"
    monkeypatch.delenv("PGCHANNELBINDING")
    monkeypatch.setenv("DATABASE_URL", f"{url}?channel_binding=require")
    assert refusal(None) == f"DATABASE_URL: {what}; {remedy}"


def test_services_whose_libraries_can_do_it_are_not_stopped() -> None:
    """Each service is asked, not the suite."""
    url = "postgresql://ada@127.0.0.1/shop?channel_binding=require"
    found = database.named(url)
    assert found is not None
    able = [catalogue.service(name) for name in ("psycopg2_sync", "psycopg3_async", "no_database")]
    database.check_settings(found, url, able)
    on_asyncpg, on_psycopg = (catalogue.service("sqlalchemy_async", driver) for driver in ("asyncpg", "psycopg"))
    database.check_settings(found, url, [on_psycopg])
    with pytest.raises(DatabaseError, match=r"asyncpg does not know the setting channel_binding"):
        database.check_settings(found, url, [on_asyncpg])


def test_a_bad_address_says_where_it_is_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several variables may be set at once; the message names the one that was read."""
    monkeypatch.setenv("DATABASE_URL", "mysql://h/d")
    with pytest.raises(DatabaseError, match=r"^--database-url: the database URL has the scheme 'oracle'"):
        database.named("oracle://h/d")
    with pytest.raises(DatabaseError, match=r"^DATABASE_URL: the database URL has the scheme 'mysql'"):
        database.named(None)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("PGHOST", "h1,h2")
    with pytest.raises(DatabaseError, match=r"^PGHOST: .*lists several servers"):
        database.named(None)
