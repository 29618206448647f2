"""Plans: what can be written, what is refused and how it is said, and which cells come out."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.plan import file, matrix, model, schedule
from suite import catalogue
from suite.errors import PlanError


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


MINIMAL = '[matrix]\nscenarios = ["point_read"]\nservices = ["asyncpg_async"]\n'
SLEEP = MINIMAL.replace("point_read", "session_sleep")
MANY = MINIMAL.replace("point_read", "read_many")


@pytest.mark.parametrize("name", list(catalogue.plans()))
def test_every_plan_of_the_suite_can_be_used(name: str) -> None:
    """Each plan that comes with the suite reads, asks a question and has cells."""
    read = file.read(file.find(name))
    assert read.question
    assert matrix.cells(read)


def test_the_default_plan_is_the_one_the_design_names() -> None:
    """point_read, the four services, 1000 users, five rounds of 10 s windows, no_database once."""
    read = file.read(file.find("default"))
    assert read.matrix.scenarios == ["point_read"]
    assert read.matrix.services == ["psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async"]
    assert (read.matrix.users, read.rounds.count, read.load.measure_s) == ([1000], 5, 10.0)
    assert read.rounds.once == ["no_database"]
    assert read.database.scale == 0.01


def test_cells_are_every_combination_named_by_what_varies(tmp_path: Path) -> None:
    """A slug is the service's name and the values of the axes that have several."""
    text = MANY + "pool_size = [5, 10]\nusers = [100]\n[matrix.parameters]\ncount = [1, 20]\n"
    slugs = [cell.slug for cell in matrix.cells(file.read(written(tmp_path, text)))]
    assert slugs == [
        "asyncpg_async-pool_size_5-count_1",
        "asyncpg_async-pool_size_5-count_20",
        "asyncpg_async-pool_size_10-count_1",
        "asyncpg_async-pool_size_10-count_20",
    ]


def test_a_cell_has_the_parameters_of_its_own_scenario(tmp_path: Path) -> None:
    """What one of several scenarios has is enough for a plan, and multiplies that scenario's cells only."""
    text = MANY.replace('"read_many"', '"point_read", "read_many"') + "parameters = { count = [1, 20] }\n"
    found = {cell.slug: cell.parameters for cell in matrix.cells(file.read(written(tmp_path, text)))}
    assert found == {
        "asyncpg_async-point_read": (),
        "asyncpg_async-read_many-count_1": (("count", 1),),
        "asyncpg_async-read_many-count_20": (("count", 20),),
    }
    claim = '[[claims]]\nid = "x"\nsource = "x"\nclaim = "x"\nmetric = "throughput_rps"\nat_least = 1\n'
    assert file.read(written(tmp_path, f"{text}{claim}cell = {{ count = 20 }}\n")).claims


def test_a_cell_says_how_its_service_runs_and_what_its_users_do(tmp_path: Path) -> None:
    """What does not vary is the default plan's."""
    [cell] = matrix.cells(file.read(written(tmp_path, MINIMAL)))
    assert cell.setup == matrix.Setup("asyncpg_async", "idiomatic", "gunicorn", 1, 10, 0, 30.0, 40)
    assert cell.setup == matrix.default_setup("asyncpg_async")
    assert (cell.slug, cell.users, cell.parameters, cell.once) == ("asyncpg_async", 1000, (), False)
    assert cell.setup.connections == 10
    assert matrix.default_setup("no_database").connections == 0


def test_options_override_the_plan(tmp_path: Path) -> None:
    """Each option stands in for its key, and those not given leave the plan alone."""
    options = {"services": ["psycopg2_sync"], "users": [7], "rounds": 2, "measure": 1.5, "seed": None}
    read = file.read(written(tmp_path, MINIMAL), options)
    assert (read.matrix.services, read.matrix.users) == (["psycopg2_sync"], [7])
    assert (read.rounds.count, read.load.measure_s, read.rounds.seed) == (2, 1.5, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + "user = 5\n", ["unknown key 'matrix.user'", "did you mean 'users'"]),
        (MINIMAL + "[lod]\nmeasure_s = 1\n", ["unknown key 'lod'", "did you mean 'load'"]),
        (MINIMAL + "users = 0\n", ["matrix.users", "0", "greater than or equal to 1"]),
        (MINIMAL + "users = [1, 1]\n", ["matrix.users", "only once"]),
        (MINIMAL + "users = []\n", ["matrix.users", "at least one value"]),
        (MINIMAL + "users = true\n", ["matrix.users", "True"]),
        (MINIMAL + 'users = "5x"\n', ["matrix.users", "'5x'"]),
        (MINIMAL + "[load]\nmeasure_s = inf\n", ["load.measure_s", "inf", "finite"]),
        (MINIMAL + "[load]\nmeasure_s = nan\n", ["load.measure_s", "nan"]),
        (MINIMAL + "[load]\nmeasure_s = -1\n", ["load.measure_s", "-1", "greater than 0"]),
        (MINIMAL + '[load]\narrival = "opne"\n', ["load.arrival", "'opne'", "closed"]),
        (MINIMAL + "[load]\ntimeline = true\n", ["load.timeline", "arrival batch"]),
        (MINIMAL + '[load]\narrival = "batch"\narrivals = 1001\ntimeline = true\n', ["load.timeline", "1000 requests"]),
        (MINIMAL + "[rounds]\ncount = 100\n", ["rounds.count", "100"]),
        (MINIMAL + '[rounds]\nonce = ["asyncpg_async"]\n', ["asyncpg_async", "matrix.services", "rounds.once"]),
        (MINIMAL + "[database]\nscale = 0\n", ["database.scale", "0.001"]),
        ('[matrix]\nscenarios = ["point_read"]\n', ["matrix.services is missing"]),
        ("", ["matrix is missing"]),
        ('[matrix]\nscenarios = ["point_raed"]\nservices = ["asyncpg_async"]\n', ["did you mean 'point_read'"]),
        ('[matrix]\nscenarios = ["point_read"]\nservices = ["asyncpg"]\n', ["did you mean 'asyncpg_async'"]),
        (
            '[matrix]\nscenarios = ["crud"]\nservices = ["no_database"]\n',
            ["no_database does not answer", "create_user"],
        ),
        ("[matrix\n", ["not TOML"]),
        (
            MANY + "parameters = { cuont = 5 }\n",
            ["matrix.parameters.cuont", "did you mean 'count'", "read_many has count"],
        ),
        (
            MINIMAL + "parameters = { count = 5 }\n",
            ["matrix.parameters.count", "point_read has none", "select read_many"],
        ),
        (
            MANY + "parameters = { count = [20, 200] }\n",
            ["matrix.parameters.count: 200 is not a whole number from 1 to 100"],
        ),
        (MANY + "parameters = { count = 2.0 }\n", ["matrix.parameters.count: 2.0 is not a whole number"]),
        (MANY + 'parameters = { count = "2" }\n', ["matrix.parameters.count: '2' is not a whole number"]),
        (SLEEP + 'parameters = { sleep = "insde" }\n', ["matrix.parameters.sleep: 'insde'", "did you mean 'inside'"]),
        (SLEEP + "parameters = { seconds = nan }\n", ["matrix.parameters.seconds: nan is not a number from 0 to 60"]),
        (SLEEP + "parameters = { seconds = -1 }\n", ["matrix.parameters.seconds: -1 is not a number from 0 to 60"]),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_by_key_and_value(tmp_path: Path, text: str, words: list[str]) -> None:
    """The message names the file, the key, the value and what is near or allowed."""
    path = written(tmp_path, text)
    with pytest.raises(PlanError) as caught:
        file.read(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scenarios": ["list_page"]}, ["matrix.parameters.count", "list_page has none", "select read_many"]),
        ({"users": [0]}, ["--users", "0"]),
        ({"measure": float("inf")}, ["--measure", "inf"]),
        ({"pool_size": [-3]}, ["--pool-size", "-3"]),
        ({"server": ["unicorn"]}, ["--server", "'unicorn'", "gunicorn"]),
        ({"arrival": "opne"}, ["--arrival", "'opne'", "'open'"]),
        ({"arrival": "open"}, ["the open model needs a rate", "--rate"]),
        ({"arrival": "open", "rate": 0.0}, ["--rate", "0.0", "greater than 0"]),
        ({"rate": 100.0}, ["--rate", "needs arrival open or batch"]),
        ({"scale": 11.0}, ["--scale", "11"]),
    ],
)
def test_a_bad_option_is_named_as_an_option(tmp_path: Path, options: dict[str, object], words: list[str]) -> None:
    """Whoever typed --users is told about --users."""
    with pytest.raises(PlanError) as caught:
        file.read(written(tmp_path, MANY + "parameters = { count = 5 }\n"), options)
    for word in words:
        assert word in str(caught.value)


OTHERS = ["asyncpg_async", "psycopg2_sync"]
URL = "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"services": OTHERS, "rounds": 2}, "services asyncpg_async, psycopg2_sync; 2 rounds"),
        ({"users": [5, 10], "measure": 2.5, "seed": 3}, "5, 10 users; windows of 2.5 s"),
        ({"services": [], "target": [("mine", URL)]}, "no services; target mine"),
        ({"arrival": "open", "rate": 1500.0, "load_workers": 1}, "arrival open; 1500 requests/s; 1 load worker"),
        ({"rounds": 1, "precision": None, "profile": ["lean"], "pool_size": [5]}, "1 round; pool size 5; profile lean"),
        ({"rounds": 5, "users": [1000], "server": ["gunicorn"], "measure": 10.0, "seed": 3}, ""),
        ({}, ""),
    ],
)
def test_a_title_says_what_options_override(options: dict[str, object], title: str) -> None:
    """What they leave as the plan has it is not said; a question about other services is not asked."""
    as_written, read = (file.read(file.find("default"), one) for one in (None, options))
    assert read.title == (f"default plan, overridden: {title}" if title else as_written.title)
    assert read.question == ("" if "services" in title else as_written.question)


def test_claims_about_cells_that_options_take_away_are_left_out() -> None:
    """A line says so. One whose cells are all there stays, and so does one that has several to choose from."""
    read = file.understood(file.find("default"), {"services": OTHERS})
    assert [claim.id for claim in read.plan.claims] == ["asyncpg-3x-psycopg2"]
    assert read.remarks == ("left out, because options remove their cells: the claims asyncpg-databases-orm",)
    several = file.understood(file.find("default"), {"pool_size": [5, 10]})
    assert (len(several.plan.claims), several.remarks) == (2, ())


def test_a_missing_plan_is_named_with_the_nearest() -> None:
    """By name, the nearest plan is suggested; by path, the path is named."""
    with pytest.raises(PlanError, match="did you mean 'smoke'"):
        file.find("smok")
    with pytest.raises(PlanError, match=r"nowhere\.toml"):
        file.read(file.find("nowhere.toml"))


def test_rounds_are_shuffled_by_the_seed() -> None:
    """The same seed gives the same order, rounds differ, and each has every cell; `once` cells come in the first."""
    cells = matrix.cells(file.read(file.find("default")))
    order = schedule.order(cells, 8, seed=1)
    assert order == schedule.order(cells, 8, seed=1)
    assert order != schedule.order(cells, 8, seed=2)
    assert len({tuple(cell.slug for cell in one_round) for one_round in order[1:]}) > 1
    assert sorted(cell.slug for cell in order[0]) == sorted(cell.slug for cell in cells)
    assert all(not cell.once for one_round in order[1:] for cell in one_round)
    assert all(len(one_round) == 4 for one_round in order[1:])


def test_an_aa_arm_repeats_the_first_service_in_processes_of_its_own() -> None:
    """Another name and another setup, so that services are started anew between the two; all else is the same."""
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
