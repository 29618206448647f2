"""What a plan names: refused where it does not exist or does not fit together, with the nearest name."""

from pathlib import Path

import pytest

from bench.plan import checks, file, model
from tests.unit.plan.plan_of import MANY, MINE, MINIMAL, STARTED, cells_of, refusal_of, written

SLEEP = MINIMAL.replace("point_read", "session_sleep")
CLAIM = '[[claims]]\nid = "x"\nsource = "x"\nclaim = "x"\nmetric = "throughput_rps"\nat_least = 1\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + '[rounds]\nonce = ["asyncpg_async"]\n', ["asyncpg_async", "matrix.services", "rounds.once"]),
        (MINIMAL + '[rounds]\nonce = ["no_databse"]\n', ["did you mean 'no_database'"]),
        (
            MINIMAL + '[rounds]\nbaseline = "asyncpg"\n',
            ["rounds.baseline (--baseline) is 'asyncpg'", "did you mean 'asyncpg_async'", "there are: asyncpg_async"],
        ),
        (MINIMAL + '[rounds]\nbaseline = "psycopg2_sync"\n', ["none of the plan's services and targets"]),
        (
            MINIMAL + '[rounds]\nonce = ["no_database"]\nbaseline = "no_database"\n',
            ["rounds.once has it, and one round has no interval"],
        ),
        ('[matrix]\nscenarios = ["point_raed"]\nservices = ["asyncpg_async"]\n', ["did you mean 'point_read'"]),
        ('[matrix]\nscenarios = ["point_read"]\nservices = ["asyncpg"]\n', ["did you mean 'asyncpg_async'"]),
        (
            '[matrix]\nscenarios = ["crud"]\nservices = ["no_database"]\n',
            ["no_database does not answer", "create_user"],
        ),
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
        (MINIMAL + 'driver = "psycopg"\n', ["matrix.driver (--driver)", "'psycopg'", "none of them has a choice"]),
        (
            MINIMAL.replace("asyncpg_async", "sqlalchemy_async") + 'driver = "psycopg2"\n',
            ["none of the plan's services runs on 'psycopg2' (did you mean 'psycopg'?)", "they have: asyncpg, psycopg"],
        ),
        (MINIMAL + CLAIM + 'cell = { service = "psycopg2_sync" }\n', ["psycopg2_sync"]),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    """The message names the file, what is wrong and what is near or would do."""
    said = refusal_of(tmp_path, text)
    for word in [str(tmp_path / "mine.toml"), *words]:
        assert word in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + MINE.replace("mine", "asyncpg_async"), ["'asyncpg_async'", "name of a service"]),
        (MINIMAL + MINE.replace("mine", "external_api"), ["'external_api'", "name of a service"]),
        (MINIMAL + MINE + MINE, ["'mine'", "another target"]),
        (MINIMAL + "[rounds]\naa = true\n" + MINE.replace("mine", "asyncpg_async-aa"), ["two cells have the name"]),
        (MINIMAL + STARTED.replace(":9000", ":8002"), ["'mine' has port 8002, which is that of asyncpg_async"]),
        (
            MINIMAL + '[rounds]\nonce = ["no_database"]\n' + STARTED.replace(":9000", ":8010"),
            ["port 8010, which is that of no_database", "targets.url and in targets.command"],
        ),
        (MINIMAL + STARTED.replace(":9000", ":8020"), ["port 8020, which is that of external_api"]),
        (MINIMAL + STARTED + STARTED.replace('"mine"', '"yours"'), ["'yours' has port 9000, which is that of mine"]),
        ('[matrix]\nscenarios = ["point_read"]\nservices = []\n', ["nothing to measure", "--target NAME=URL"]),
    ],
)
def test_a_target_needs_a_name_of_its_own(tmp_path: Path, text: str, words: list[str]) -> None:
    """And a plan needs something to measure."""
    said = refusal_of(tmp_path, text)
    for word in words:
        assert word in said


def test_a_name_that_only_looks_like_another_cells_is_free(tmp_path: Path) -> None:
    """All six cells have names of their own."""
    text = MINIMAL + "users = [1, 2]\n" + MINE + MINE.replace("mine", "mine-users_1")
    assert len(cells_of(tmp_path, text)) == 6


def test_a_target_can_be_the_baseline_and_a_name_that_exists_nowhere_is_refused(tmp_path: Path) -> None:
    """Also where options leave services out: only one that the suite has may be away."""
    text = MINIMAL + '[rounds]\nbaseline = "mine"\n' + MINE
    assert file.read(written(tmp_path, text), {"services": ["psycopg2_sync"]}).rounds.baseline == "mine"
    typo = text.replace('baseline = "mine"', 'baseline = "mien"')
    assert "did you mean 'mine'" in refusal_of(tmp_path, typo, services=["psycopg2_sync"])
    asked = {"services": ["psycopg2_sync"], "baseline": "asyncpg_async"}
    assert "none of the plan's services and targets" in refusal_of(tmp_path, MINIMAL, **asked)


def test_landmarks_that_cannot_answer_are_named_with_the_scenarios() -> None:
    """Each with its own; nothing is said where all can."""
    matrix = model.Matrix(scenarios=["point_read", "crud", "session_sleep"], services=["asyncpg_async"])
    plan = model.Plan(matrix=matrix, rounds=model.Rounds(once=["no_database", "psycopg2_sync"]))
    assert checks.left_out(plan) == (
        "left out of rounds.once, because it does not answer the requests: no_database under crud, session_sleep"
    )
    assert checks.left_out(file.read(file.find("default"))) == ""
