"""A new service or scenario is a copy of the nearest one that works at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands import copying
from bench.commands.new import new
from suite import catalogue, service_file
from suite.errors import UsageError
from tests.unit import catalogue_of


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of services/ and locustfiles/ to write into."""
    for folder in catalogue_of.copied(tmp_path, monkeypatch):
        monkeypatch.setattr(catalogue, "CHECKOUT", folder)
        yield folder


def run(*words: str) -> str:
    found = CliRunner().invoke(new, words, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_a_new_service_is_a_copy_with_a_name_a_title_and_a_port_of_its_own(tree: Path) -> None:
    """Of the service with the nearest name; a library that is not installed is named, with what adds it."""
    port = catalogue.free_port()
    said = run("service", "sqlalchemies_async", "--library", "sqlmodel-of-nowhere", "--library", "asyncpg")
    assert f"a copy of services/sqlalchemy_async on port {port}" in said
    assert "sqlmodel-of-nowhere is not installed: write it into an extra of pyproject.toml, then: make lock &&" in said
    catalogue.services.cache_clear()
    made = catalogue.service("sqlalchemies_async")
    assert (made.title, made.mode, made.port) == ("sqlalchemies (async)", "async", port)
    assert made.libraries == ("sqlmodel-of-nowhere", "sqlalchemy", "greenlet", "asyncpg")
    assert (made.drivers, made.follows, made.release) == (("asyncpg", "psycopg"), "", None)
    assert made.overhead == catalogue.service("sqlalchemy_async").overhead
    code = "".join(path.read_text() for path in (tree / "services" / "sqlalchemies_async").glob("*.py"))
    assert "from services.sqlalchemies_async import studies" in code
    assert 'FastAPI(title="sqlalchemies (async)"' in code
    assert "services.sqlalchemy_async" not in code
    service_file.check_application(tree / "services" / "sqlalchemies_async")


def test_a_new_service_may_be_like_another_one(tree: Path) -> None:
    """With a title that someone chose."""
    run("service", "bookshelf_sync", "--like", "psycopg3_sync", "--title", "Bookshelf")
    catalogue.services.cache_clear()
    assert catalogue.service("bookshelf_sync").title == "Bookshelf"
    assert (tree / "services" / "bookshelf_sync" / "studies.py").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sqlmodel", None), "'sqlmodel' cannot name a service: it is the library and its mode, such as"),
        (("../x_async", None), "cannot name a service"),
        (("asyncpg_async", None), "services/asyncpg_async is there already"),
        (("x_async", "psycopg2_sync"), "services/psycopg2_sync is sync, and x_async is to be async"),
        (("x_async", "asyncpg"), "there is no service 'asyncpg'"),
    ],
)
def test_a_wrong_name_of_a_service_is_refused(words: tuple[str, str | None], message: str) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        copying.service(*words, None, ())


def test_a_new_scenario_is_a_copy_with_a_class_of_its_own(tree: Path) -> None:
    """It can be found at once."""
    said = run("scenario", "newest_users", "--like", "list_page")
    assert "locustfiles/newest_users.py, a copy of locustfiles/list_page.py" in said
    catalogue.scenarios.cache_clear()
    assert catalogue.scenario("newest_users").user == "NewestUsers"
    assert catalogue.scenario("newest_users").operations == catalogue.scenario("list_page").operations
    assert (tree / "locustfiles" / "newest_users.py").exists()


@pytest.mark.parametrize(("name", "message"), [("Newest", "cannot name a scenario"), ("crud", "is there already")])
def test_a_wrong_name_of_a_scenario_is_refused(name: str, message: str) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match=message):
        copying.scenario(name, None)


def test_a_warning_example_is_copied_by_nothing() -> None:
    """Although its name is the nearest one; only --like would take it."""
    assert copying.service("psycopg2_block_async", None, None, ()).like.name != "psycopg2_blocking"
