"""Services and scenarios as they are described: every mistake is one message with file, key and remedy."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite import catalogue
from suite.errors import CatalogueError, UsageError
from suite.service import Release
from tests.unit import catalogue_of

TOML, APP = "services/asyncpg_async/service.toml", "services/asyncpg_async/app.py"
SCENARIO = "locustfiles/read_many.py"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of what is described, read in place of the project's own."""
    yield from catalogue_of.copied(tmp_path, monkeypatch)


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of one file."""

    def change(checkout: Path) -> None:
        text = (checkout / path).read_text()
        assert old in text
        (checkout / path).write_text(text.replace(old, new))

    return change


def taken_away(path: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / path).unlink()

    return change


def damaged(path: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / path).write_bytes(b"\xff")

    return change


def renamed(checkout: Path) -> None:
    (checkout / "services/asyncpg_async").rename(checkout / "services/asyncpg-async")


def declared_twice(checkout: Path) -> None:
    text = (checkout / SCENARIO).read_text().replace('"default": 20', '"default": 5')
    (checkout / "locustfiles/read_few.py").write_text(text)


MISTAKES = [
    (replaced(TOML, "port = 8002\n", ""), [f"{TOML}: port is missing: it is a free port"]),
    (replaced(TOML, 'title = "asyncpg"\n', ""), [f"{TOML}: title is missing", 'title = "asyncpg"']),
    (replaced(TOML, 'mode = "async"\n', ""), [f"{TOML}: mode is missing", '"sync" or "async"']),
    (replaced(TOML, 'libraries = ["asyncpg"]\n', ""), [f"{TOML}: libraries is missing"]),
    (replaced(TOML, "port = 8002", "prot = 8002"), [f"{TOML}: unknown key 'prot' (did you mean 'port'?); there are: "]),
    (replaced(TOML, "port = 8002", 'port = "8002"'), [f"{TOML}: port: '8002': Input should be a valid integer"]),
    (replaced(TOML, "port = 8002", "port = 80"), [f"{TOML}: port: 80: ", "greater than or equal to 1024"]),
    (replaced(TOML, "port = 8002", "port = 8001"), ["service.toml: port: 8001 is also the port of", "such as 8002"]),
    (replaced(TOML, "port = 8002", "port = 8020"), ["service.toml: port: 8020 is also the port of", "external_api"]),
    (replaced(TOML, "port = 8002", "port ="), [f"{TOML}: not TOML: ", "line 5"]),
    (damaged(TOML), [f"cannot read the description of a service '{TOML}'"]),
    (replaced(TOML, '"async"', '"asink"'), [f"{TOML}: mode: 'asink': ", "'sync' or 'async'"]),
    (replaced(TOML, '["asyncpg"]', '"asyncpg"'), [f"{TOML}: libraries: 'asyncpg': Input should be a valid list"]),
    (replaced(TOML, '["asyncpg"]', "[5]"), [f"{TOML}: libraries: 5: Input should be a valid string"]),
    (
        replaced(TOML, "[overhead.idiomatic]", "[overhead.idiomatc]"),
        [f"{TOML}: unknown key 'overhead.idiomatc' (did you mean 'idiomatic'?)", "lean_explicit"],
    ),
    (
        replaced(TOML, "round_trips = 1", "round_trip = 1"),
        [f"{TOML}: unknown key 'overhead.idiomatic.round_trip' (did you mean 'round_trips'?)"],
    ),
    (replaced(TOML, "round_trips = 1\n", ""), [f"{TOML}: overhead.idiomatic.round_trips is missing: it is how many"]),
    (
        replaced(TOML, "[overhead.lean]", "[overhead.lean_implicit]"),
        [f"{TOML}: overhead.lean is missing: it is the cost of one use of a connection"],
    ),
    (replaced(TOML, "statements = 4", "statements = -4"), [f"{TOML}: overhead.idiomatic.statements: -4: "]),
    (
        replaced(TOML, 'value = "LIFO"\n', ""),
        [f"{TOML}: own.pool_policy.value is missing: it is the value that the library"],
    ),
    (replaced(TOML, "port = 8002", "port = 8002\nwarm_up = 0"), [f"{TOML}: warm_up: 0: "]),
    (taken_away(APP), [f"{APP} is missing", TOML, "remove the folder"]),
    (renamed, ["services/asyncpg-async: the folder is imported by its name", "use only letters, digits and '_'"]),
    (
        taken_away("services/external_api/service.toml"),
        ["there is no description", "services/external_api/service.toml"],
    ),
    (replaced(SCENARIO, "class ReadMany", "class Read Many"), [f"{SCENARIO}, line ", "not Python"]),
    (damaged(SCENARIO), [f"{SCENARIO}", "not Python"]),
    (replaced(SCENARIO, "ServiceUser)", "HttpUser)"), [f"{SCENARIO}: no class inherits from ServiceUser"]),
    (
        replaced(SCENARIO, 'OPERATIONS = ("read_many",)\n', ""),
        [f'{SCENARIO}: OPERATIONS is missing: it is the names of the operations it calls: OPERATIONS = ("read_user",)'],
    ),
    (replaced(SCENARIO, '("read_many",)', "()"), [f"{SCENARIO}: OPERATIONS: (): ", "at least 1"]),
    (replaced(SCENARIO, '("read_many",)', '"read_many"'), [f"{SCENARIO}: OPERATIONS: 'read_many': "]),
    (
        replaced(SCENARIO, '("read_many",)', "tuple(x)"),
        [f"{SCENARIO}, line 9: OPERATIONS is computed", "write the values"],
    ),
    (
        replaced(SCENARIO, '"default": 20', '"defualt": 20'),
        [f"{SCENARIO}: unknown key 'PARAMETERS.count.defualt' (did you mean 'default'?)"],
    ),
    (replaced(SCENARIO, '"type": "int"', '"type": "integer"'), [f"{SCENARIO}: PARAMETERS.count.type: 'integer': "]),
    (
        replaced(SCENARIO, '"default": 20', '"default": 200'),
        [f"{SCENARIO}: PARAMETERS.count: ", "the default 200 is not a whole number from 1 to 100"],
    ),
    (replaced(SCENARIO, '"low": 1', '"choices": ["1"]'), [f"{SCENARIO}: PARAMETERS.count: choices are for type str"]),
    (declared_twice, [f"{SCENARIO}: PARAMETERS.count: locustfiles/read_few.py declares it differently"]),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES)
def test_a_mistake_is_said_by_file_key_and_remedy(
    checkout: Path, mistake: Callable[[Path], None], words: list[str]
) -> None:
    """Nothing else is raised, wherever the description is read."""
    mistake(checkout)
    with pytest.raises(CatalogueError) as caught:
        (catalogue.services(), catalogue.external(), catalogue.scenarios())
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_right_is_read_as_it_is_written(checkout: Path) -> None:
    """Of a service and of a scenario, all that the harness needs to know."""
    service, scenario = catalogue.service("databases_async"), catalogue.scenario("session_sleep")
    assert (service.mode, service.port, service.libraries) == ("async", 8003, ("databases", "asyncpg", "sqlalchemy"))
    assert (service.overhead["idiomatic"].round_trips, service.uses) == (1, {"synchronize_note": 2})
    assert (scenario.operations, scenario.user) == (("session_sleep",), "SessionSleep")
    assert {name: one.default for name, one in scenario.parameters.items()} == {"sleep": "inside", "seconds": 2.0}
    assert scenario.path.parent == checkout / "locustfiles"


def test_a_service_has_what_its_driver_makes_of_it() -> None:
    """Libraries and facts of the usual one, or of another that it knows; any other is refused by name."""
    usual, other = catalogue.service("sqlalchemy_sync"), catalogue.service("sqlalchemy_sync", "psycopg")
    assert (usual.driver, usual.drivers, usual.unusual_driver) == ("psycopg2", ("psycopg2", "psycopg"), "")
    assert (other.driver, other.drivers, other.unusual_driver) == ("psycopg", ("psycopg2", "psycopg"), "psycopg")
    assert (usual.libraries[-1], other.libraries[-1]) == ("psycopg2-binary", "psycopg-binary")
    assert (usual.warm_up, other.warm_up) == (1, 6)
    assert usual.overhead.keys() > other.overhead.keys()
    assert usual.own["protocol"].value == "simple query"
    assert other.own["transaction"] == usual.own["transaction"]
    assert catalogue.service("sqlalchemy_sync", "psycopg2") is usual
    with pytest.raises(UsageError, match=r"sqlalchemy_sync does not run on the driver 'asyncpg'; there are: psycopg2"):
        catalogue.service("sqlalchemy_sync", "asyncpg")
    with pytest.raises(UsageError, match=r"asyncpg_async does not run on .*; its driver cannot be chosen"):
        catalogue.service("asyncpg_async", "psycopg")


def test_a_second_copy_of_the_suite_has_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them move; what is no such number is refused."""
    usual = {one.name: one.port for one in (*catalogue.services().values(), catalogue.external())}
    try:
        monkeypatch.setenv("BENCH_PORT_OFFSET", "1000")
        catalogue_of.forget()
        moved = {one.name: one.port for one in (*catalogue.services().values(), catalogue.external())}
        assert moved == {name: port + 1000 for name, port in usual.items()}
        for wrong in ("-1", "1e3", "60000"):
            monkeypatch.setenv("BENCH_PORT_OFFSET", wrong)
            catalogue_of.forget()
            with pytest.raises(CatalogueError, match=f"BENCH_PORT_OFFSET is '{wrong}'; it is a whole number from 0"):
                catalogue.services()
    finally:
        monkeypatch.undo()
        catalogue_of.forget()


def test_the_release_of_a_library_is_that_of_the_lock() -> None:
    """So that `bench list` shows the date of what is installed. All services of a library say the same."""
    locks = "".join((catalogue.CHECKOUT / lock).read_text() for lock in catalogue.LOCKS)
    said: dict[str, Release] = {}
    for one in catalogue.services().values():
        if one.needs_database:
            assert one.kind, f"services/{one.name}/service.toml: say its kind"
            # A warning example does what no documentation says.
            assert one.follows or one.warning, f"services/{one.name}/service.toml: say which page app.py follows"
            assert one.release is not None, f"services/{one.name}/service.toml: [release] is missing"
            locked = locks.partition(f"\n{one.release.library}==")[2].partition(" ")[0]
            assert one.release.version == locked, f"services/{one.name}/service.toml: [release]: {locked} is locked"
            assert said.setdefault(one.release.library, one.release) == one.release


def test_what_is_not_installed_is_named_with_what_brings_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whether every installation has it, only those with the extras, or no lock."""
    monkeypatch.setattr(catalogue, "CHECKOUT", checkout)
    (checkout / "requirements.lock").write_text("here==1 \\\n")
    (checkout / "requirements.extras.lock").write_text("there==1 \\\n    --hash=sha256:00\nthere-too==1 \\\n")
    assert catalogue.how_to_install("here") == "make setup"
    assert catalogue.how_to_install("there-too") == "make setup EXTRAS=all"
    assert catalogue.how_to_install("elsewhere").startswith("write it into an extra of pyproject.toml, then: make lock")


@pytest.mark.parametrize(
    ("mistake", "word"),
    [
        (replaced(TOML, "port = 8002\n", ""), f"{TOML}: port is missing"),
        (taken_away(APP), f"{APP} is missing"),
        (replaced(SCENARIO, "class ReadMany", "class Read Many"), f"{SCENARIO}, line "),
    ],
)
def test_a_command_says_it_in_one_message(tmp_path: Path, mistake: Callable[[Path], None], word: str) -> None:
    """`bench list` ends with exit code 1, and without a traceback."""
    for name in ("bench", "db", "locustfiles", "services", "suite"):
        shutil.copytree(catalogue.CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    mistake(tmp_path)
    found = subprocess.run(
        [sys.executable, "-m", "bench", "list"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1, found.stderr
    assert found.stderr.startswith(f"error: {word}")
    assert "Traceback" not in found.stdout + found.stderr


def test_a_warning_example_is_in_no_list_that_names_none() -> None:
    """It is marked by its name and by the names of its cells and curves, and by no other that begins as it does."""
    examples = [one for one in catalogue.services().values() if one.warning]
    assert [one.name for one in examples] == ["psycopg2_blocking"]
    assert catalogue.usual().keys() == catalogue.services().keys() - {"psycopg2_blocking"}
    names = ["psycopg2_blocking", "psycopg2_blocking-users_5-aa", "psycopg2_blocking, users 5"]
    assert [catalogue.marked(name) for name in names] == [f"{name} (!)" for name in names]
    others = [*catalogue.usual(), "psycopg2_blocking_2", "gone", "", "http://127.0.0.1:8017"]
    assert [catalogue.marked(name) for name in others] == others
    assert catalogue.cautions(["asyncpg_async", *["psycopg2_blocking"] * 2, "gone"]) == [
        f"psycopg2_blocking (!) is a warning example: {catalogue.service('psycopg2_blocking').warning}"
    ]


def test_what_is_wrong_must_be_said(checkout: Path) -> None:
    """In words: a mark alone explains nothing."""
    replaced(TOML, 'mode = "async"\n', 'mode = "async"\nwarning = "it forgets what it reads"\n')(checkout)
    assert catalogue.service("asyncpg_async").caution.endswith("is a warning example: it forgets what it reads")
    assert "asyncpg_async" not in catalogue.usual()
    catalogue_of.forget()
    replaced(TOML, 'warning = "it forgets what it reads"', "warning = true")(checkout)
    with pytest.raises(CatalogueError, match=f"{TOML}: warning: True: "):
        catalogue.services()
