"""The cells of a plan: which there are, what they are called, and how their services run."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.plan import file, matrix, model
from suite.errors import UsageError
from tests.unit.plan.plan_of import COMMAND, MANY, MINE, MINIMAL, STARTED, URL, cells_of, written


def test_cells_are_every_combination_named_by_what_varies(tmp_path: Path) -> None:
    """A slug is the service's name and the values of the axes that have several."""
    text = MANY + "pool_size = [5, 10]\nusers = [100]\n[matrix.parameters]\ncount = [1, 20]\n"
    slugs = list(cells_of(tmp_path, text))
    assert slugs == [
        "asyncpg_async-pool_size_5-count_1",
        "asyncpg_async-pool_size_5-count_20",
        "asyncpg_async-pool_size_10-count_1",
        "asyncpg_async-pool_size_10-count_20",
    ]


def test_a_cell_has_the_parameters_of_its_own_scenario(tmp_path: Path) -> None:
    """What one of several scenarios has is enough for a plan, and multiplies that scenario's cells only."""
    text = MANY.replace('"read_many"', '"point_read", "read_many"') + "parameters = { count = [1, 20] }\n"
    found = {slug: cell.parameters for slug, cell in cells_of(tmp_path, text).items()}
    assert found == {
        "asyncpg_async-point_read": (),
        "asyncpg_async-read_many-count_1": (("count", 1),),
        "asyncpg_async-read_many-count_20": (("count", 20),),
    }
    claim = '[[claims]]\nid = "x"\nsource = "x"\nclaim = "x"\nmetric = "throughput_rps"\nat_least = 1\n'
    assert file.read(written(tmp_path, f"{text}{claim}cell = {{ count = 20 }}\n")).claims


def test_a_cell_says_how_its_service_runs_and_what_its_users_do(tmp_path: Path) -> None:
    """What does not vary is the default plan's."""
    [cell] = cells_of(tmp_path, MINIMAL).values()
    assert cell.setup == matrix.Setup("asyncpg_async", "idiomatic", "gunicorn", 1, 10, 0, 30.0, 40)
    assert cell.setup == matrix.default_setup("asyncpg_async")
    assert (cell.slug, cell.users, cell.parameters, cell.once) == ("asyncpg_async", 1000, (), False)
    assert cell.setup.connections == 10
    assert matrix.default_setup("no_database").connections == 0


def test_an_aa_arm_repeats_the_first_service_in_processes_of_its_own() -> None:
    """Another name and another setup, so that other processes serve each of the two; all else is the same."""
    settings = model.Plan(
        matrix=model.Matrix(scenarios=["point_read"], services=["asyncpg_async", "psycopg2_sync"]),
        rounds=model.Rounds(aa=True, once=["no_database"]),
    )
    cells = {cell.slug: cell for cell in matrix.cells(settings)}
    assert list(cells) == ["asyncpg_async", "psycopg2_sync", "asyncpg_async-aa", "no_database"]
    one, twin = cells["asyncpg_async"], cells["asyncpg_async-aa"]
    assert one.setup != twin.setup
    assert replace(twin.setup, arm="") == one.setup
    assert (one.arm, twin.arm, twin.service, twin.once) == ("", "aa", "asyncpg_async", False)


def test_a_target_is_one_cell_for_each_load(tmp_path: Path) -> None:
    """What its services vary in does not multiply it, and is not said of it."""
    axes = 'pool_size = [5, 10]\nprofile = ["idiomatic", "lean"]\nusers = [1, 9]\n[matrix.parameters]\ncount = [2, 3]\n'
    found = cells_of(tmp_path, MANY + axes + MINE)
    mine = [slug for slug, cell in found.items() if cell.service == "mine"]
    assert mine == [f"mine-users_{users}-count_{count}" for users in (1, 9) for count in (2, 3)]
    assert len(found) == 16 + 4
    cell = found["mine-users_9-count_3"]
    assert cell.axes == {"scenario": "read_many", "service": "mine", "arm": "", "users": 9, "count": 3}
    assert cell.as_dict()["setup"] == {"service": "mine", "arm": "", "url": URL, "title": "", "external_api": False}
    assert cell.setup.connections == 0
    assert not cell.setup.is_started


def test_a_target_that_is_started_has_its_command_in_plan_json(tmp_path: Path) -> None:
    """And all services are started."""
    found = cells_of(tmp_path, MINIMAL + STARTED)
    assert [cell.setup.is_started for cell in found.values()] == [True, True]
    described = found["mine"].as_dict()["setup"]
    assert (described["command"], described["folder"]) == (COMMAND, str(tmp_path))


def test_numbers_and_words_are_in_a_slug_as_a_file_may_be_named(tmp_path: Path) -> None:
    """A scenario, a profile and a server stand for themselves; of another axis the name is there, too."""
    axes = 'profile = ["idiomatic", "lean"]\nserver = ["gunicorn", "uvicorn"]\npool_timeout_s = [0.5, 30]\n'
    slugs = list(cells_of(tmp_path, MINIMAL + axes))
    assert slugs[0] == "asyncpg_async-idiomatic-gunicorn-pool_timeout_s_0.5"
    assert slugs[-1] == "asyncpg_async-lean-uvicorn-pool_timeout_s_30"
    assert len(set(slugs)) == 8


def test_garbage_collection_is_an_axis(tmp_path: Path) -> None:
    """Its word alone would not say what it is about. Where a plan says nothing, a slug does not either."""
    found = cells_of(tmp_path, MINIMAL + 'gc = ["default", "freeze"]\n')
    assert list(found) == ["asyncpg_async-gc_default", "asyncpg_async-gc_freeze"]
    assert [cell.axes["gc"] for cell in found.values()] == ["default", "freeze"]
    [cell] = cells_of(tmp_path, MINIMAL).values()
    assert (cell.slug, cell.setup.gc) == ("asyncpg_async", model.GC)


def test_the_event_loop_is_an_axis(tmp_path: Path) -> None:
    """Its word stands for itself, beside the server's. Where a plan says nothing it is uvloop."""
    axes = 'server = ["gunicorn-asgi", "granian"]\nloop = ["uvloop", "asyncio"]\n'
    found = cells_of(tmp_path, MINIMAL + axes)
    assert list(found)[1:3] == ["asyncpg_async-gunicorn_asgi-asyncio", "asyncpg_async-granian-uvloop"]
    assert [(cell.axes["server"], cell.axes["loop"]) for cell in found.values()][1:3] == [
        ("gunicorn-asgi", "asyncio"),
        ("granian", "uvloop"),
    ]
    [cell] = cells_of(tmp_path, MINIMAL).values()
    assert (cell.slug, cell.setup.loop) == ("asyncpg_async", "uvloop")


def test_a_pooler_is_an_axis(tmp_path: Path) -> None:
    """Where a plan says nothing, services have no settings for one, and a slug does not name it."""
    found = cells_of(tmp_path, MINIMAL + 'pooler = ["none", "transaction"]\n')
    assert list(found) == ["asyncpg_async-pooler_none", "asyncpg_async-pooler_transaction"]
    assert [cell.axes["pooler"] for cell in found.values()] == ["none", "transaction"]
    [cell] = cells_of(tmp_path, MINIMAL).values()
    assert (cell.slug, cell.setup.pooler) == ("asyncpg_async", "none")


ORM = '[matrix]\nscenarios = ["point_read"]\nservices = ["sqlalchemy_async", "sqlalchemy_sync", "asyncpg_async"]\n'


def test_a_service_has_a_cell_for_each_driver_that_it_knows(tmp_path: Path) -> None:
    """`usual` is another one for each. A service without a choice, or that knows none of them, has its usual cell."""
    assert [cell.setup.driver for cell in cells_of(tmp_path, ORM).values()] == ["asyncpg", "psycopg2", ""]
    assert list(cells_of(tmp_path, ORM)) == ["sqlalchemy_async", "sqlalchemy_sync", "asyncpg_async"]
    both = cells_of(tmp_path, ORM + 'driver = ["usual", "psycopg"]\n')
    assert list(both) == [
        "sqlalchemy_async-asyncpg", "sqlalchemy_async-psycopg", "sqlalchemy_sync-psycopg2", "sqlalchemy_sync-psycopg",
        "asyncpg_async",
    ]  # fmt: skip
    assert [cell.axes.get("driver") for cell in both.values()] == ["asyncpg", "psycopg", "psycopg2", "psycopg", None]
    one = cells_of(tmp_path, ORM, driver=["asyncpg"])
    assert [(slug, cell.setup.driver) for slug, cell in one.items()] == [
        ("sqlalchemy_async", "asyncpg"),
        ("sqlalchemy_sync", "psycopg2"),
        ("asyncpg_async", ""),
    ]


def test_a_setup_is_named_by_what_is_not_usual(tmp_path: Path) -> None:
    """Beside the profile: the driver, unless it is the service's usual one, and a pooler."""
    text = ORM + 'driver = ["usual", "psycopg"]\npooler = "transaction"\n'
    assert [cell.setup.runs_as for cell in cells_of(tmp_path, text).values()] == [
        "idiomatic, pooler transaction", "idiomatic on psycopg, pooler transaction",
        "idiomatic, pooler transaction", "idiomatic on psycopg, pooler transaction", "idiomatic, pooler transaction",
    ]  # fmt: skip


def test_landmarks_come_last_and_only_where_they_can_answer(tmp_path: Path) -> None:
    """They are measured once."""
    text = MINIMAL.replace('"point_read"', '"crud", "point_read"') + '[rounds]\nonce = ["no_database"]\n'
    found = cells_of(tmp_path, text)
    assert list(found) == ["asyncpg_async-crud", "asyncpg_async-point_read", "no_database-point_read"]
    assert [cell.once for cell in found.values()] == [False, False, True]


def test_the_pools_of_all_workers_may_open_their_overflow(tmp_path: Path) -> None:
    """So many connections are the most."""
    [cell] = cells_of(tmp_path, MINIMAL + "pool_size = 5\npool_overflow = 2\nworkers = 3\n").values()
    assert cell.setup.connections == 21


def test_a_target_calls_the_external_api_only_where_the_plan_says_so(tmp_path: Path) -> None:
    """The suite's services do, for the scenario that has a note synchronised."""
    yours = MINE.replace("mine", "yours") + "external_api = true\n"
    text = MINIMAL.replace('"point_read"', '"synchronize", "point_read"') + MINE + yours
    assert {slug: cell.calls_external for slug, cell in cells_of(tmp_path, text).items()} == {
        "asyncpg_async-synchronize": True,
        "asyncpg_async-point_read": False,
        "mine-synchronize": False,
        "mine-point_read": False,
        "yours-synchronize": True,
        "yours-point_read": False,
    }


def test_what_a_stored_run_names_and_is_gone_is_taken_as_it_was() -> None:
    """A run that was measured before stays readable."""
    assert matrix.can_answer("no_database", "point_read")
    assert not matrix.can_answer("no_database", "crud")
    assert matrix.can_answer("gone", "crud")
    assert matrix.can_answer("no_database", "gone")
    assert matrix.has_parameter("read_many", "count")
    assert not matrix.has_parameter("point_read", "count")
    assert matrix.has_parameter("gone", "count")


def test_no_unknown_service_has_a_setup() -> None:
    """The nearest name is suggested."""
    with pytest.raises(UsageError, match="did you mean 'asyncpg_async'"):
        matrix.default_setup("asyncpg_asyn")
