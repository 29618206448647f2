"""A plan's file: found by name, read, overridden by options, and refused in words."""

import json
from pathlib import Path

import pytest

from bench.plan import file, matrix
from bench.plan.model import Target
from bench.plan.note import Kind
from suite import catalogue
from suite.errors import PlanError
from tests.unit.plan.plan_of import MANY, MINE, MINIMAL, STARTED, URL, cells_of, refusal_of, written


@pytest.mark.parametrize("name", list(catalogue.plans()))
def test_every_plan_of_the_suite_can_be_used(name: str) -> None:
    """Each plan that comes with the suite reads, asks a question and has cells."""
    read = file.read(file.find(name))
    assert read.question
    assert matrix.cells(read)


def test_the_default_plan_is_the_one_the_design_names() -> None:
    """point_read, the four services, 1000 users, five rounds of twelve slices of a second, both landmarks once."""
    read = file.read(file.find("default"))
    assert read.matrix.scenarios == ["point_read"]
    assert read.matrix.services == ["psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async"]
    assert (read.matrix.users, read.rounds.count, read.load.measure_s, read.rounds.slices) == ([1000], 5, 12.0, 12)
    assert read.rounds.once == ["no_database", "no_database_sync"]
    assert read.database.scale == 0.01


def test_options_override_the_plan(tmp_path: Path) -> None:
    """Each option replaces the value of its key. Options that are not given change nothing."""
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
        (MINIMAL + "users = true\n", ["matrix.users", "True"]),
        (MINIMAL + 'users = "5x"\n', ["matrix.users", "'5x'"]),
        ('[matrix]\nscenarios = ["point_read"]\n', ["matrix.services is missing"]),
        ("", ["matrix is missing"]),
        ("[matrix\n", ["not TOML"]),
        (MINIMAL + '[[targets]]\nname = "mine"\n', ["targets.url is missing"]),
        (MINIMAL + MINE + "prot = 1\n", ["unknown key 'targets.prot'", "there are: name, url, title"]),
        ('targets = 1\n[matrix]\nscenarios = ["point_read"]\n', ["targets", "1", "list"]),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_key_and_value(tmp_path: Path, text: str, words: list[str]) -> None:
    """The message names the file, the key, the value and what is near or allowed."""
    said = refusal_of(tmp_path, text)
    for word in [str(tmp_path / "mine.toml"), *words]:
        assert word in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scenarios": ["list_page"]}, ["matrix.parameters.count", "list_page has none", "select read_many"]),
        ({"users": [0]}, ["--users", "0"]),
        ({"measure": float("inf")}, ["--measure", "inf"]),
        ({"pool_size": [-3]}, ["--pool-size", "-3"]),
        ({"server": ["unicorn"]}, ["--server", "'unicorn'", "gunicorn"]),
        ({"loop": ["uv"]}, ["--loop", "'uv'", "'uvloop' or 'asyncio'"]),
        ({"arrival": "opne"}, ["--arrival", "'opne'", "'open'"]),
        ({"arrival": "open"}, ["the open model needs a rate", "--rate"]),
        ({"arrival": "open", "rate": 0.0}, ["--rate", "0.0", "greater than 0"]),
        ({"rate": 100.0}, ["--rate", "needs arrival open or batch"]),
        ({"scale": 11.0}, ["--scale", "11"]),
    ],
)
def test_a_bad_option_is_named_as_an_option(tmp_path: Path, options: dict[str, object], words: list[str]) -> None:
    """The message is about --users, not about a key of the file."""
    said = refusal_of(tmp_path, MANY + "parameters = { count = 5 }\n", **options)
    for word in words:
        assert word in said


OTHERS = ["asyncpg_async", "psycopg2_sync"]


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"services": OTHERS, "rounds": 2}, "services asyncpg_async, psycopg2_sync; 2 rounds"),
        ({"users": [5, 10], "measure": 2.5, "seed": 3}, "5, 10 users; windows of 2.5 s"),
        ({"services": [], "target": [("mine", URL)]}, "no services; target mine"),
        ({"arrival": "open", "rate": 1500.0, "load_workers": 1}, "arrival open; 1500 requests/s; 1 load worker"),
        ({"rounds": 1, "precision": None, "profile": ["lean"], "pool_size": [5]}, "1 round; pool size 5; profile lean"),
        ({"gc": ["default", "freeze"]}, "garbage collection default, freeze"),
        ({"pooler": ["transaction"]}, "pooler transaction"),
        ({"server": ["granian"], "loop": ["uvloop", "asyncio"]}, "server granian; event loop uvloop, asyncio"),
        ({"rounds": 5, "users": [1000], "server": ["gunicorn"], "measure": 12.0, "seed": 3}, ""),
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
    assert tuple(map(str, read.remarks)) == (
        "left out, because options remove their cells: the claims asyncpg-databases-orm",
    )
    several = file.understood(file.find("default"), {"pool_size": [5, 10]})
    assert (len(several.plan.claims), several.remarks) == (2, ())


def test_a_baseline_that_options_leave_out_is_none() -> None:
    """A line says so. One that is given with them is the baseline, and an empty one compares all pairs."""
    read = file.understood(file.find("default"), {"services": ["asyncpg_async", "sqlalchemy_async"]})
    assert read.plan.rounds.baseline == ""
    assert "without a baseline, because options leave out psycopg2_sync: all pairs are compared" in map(
        str, read.remarks
    )
    both = file.understood(file.find("default"), {"services": OTHERS, "baseline": "asyncpg_async"})
    assert both.plan.rounds.baseline == "asyncpg_async"
    assert "baseline asyncpg_async" in both.plan.title
    none = file.understood(file.find("default"), {"baseline": ""})
    assert (none.plan.rounds.baseline, none.remarks) == ("", ())
    assert none.plan.title.endswith("overridden: no baseline")
    assert file.read(file.find("default")).rounds.baseline == "psycopg2_sync"


def test_a_missing_plan_is_named_with_the_nearest() -> None:
    """By name, the nearest plan is suggested; by path, the path is named."""
    with pytest.raises(PlanError, match="did you mean 'smoke'"):
        file.find("smok")
    with pytest.raises(PlanError, match=r"nowhere\.toml"):
        file.read(file.find("nowhere.toml"))


def test_the_option_adds_targets_to_the_plans_and_moves_them(tmp_path: Path) -> None:
    """Beside the services, or alone without them; the A/A arm is then the first target's."""
    moved = cells_of(tmp_path, MINIMAL + MINE, target=[("mine", "http://127.0.0.1:9001/"), ("other", URL)])
    urls = {slug: cell.setup.url for slug, cell in moved.items()}
    assert urls == {"asyncpg_async": "", "mine": "http://127.0.0.1:9001", "other": URL}
    alone = cells_of(tmp_path, MINIMAL + "[rounds]\naa = true\n", services=[], target=[("mine", URL)])
    assert list(alone) == ["mine", "mine-aa"]
    assert list(cells_of(tmp_path, '[matrix]\nscenarios = ["point_read"]\n' + MINE)) == ["mine"]


def test_a_command_is_started_beside_its_plan_wherever_the_plan_is_read_from(tmp_path: Path) -> None:
    """Its folder is relative to the plan's file; the copy of a run has a plan.json with the whole path."""
    text = MINIMAL + STARTED
    for given, folder in (("", tmp_path), ("own", tmp_path / "own"), ("../x", tmp_path.parent / "x"), ("/srv", "/srv")):
        found = cells_of(tmp_path, text + (f'folder = "{given}"\n' if given else ""))
        assert found["mine"].setup.folder == str(folder)
    run = tmp_path / "results" / "one"
    run.mkdir(parents=True)
    copy = run / "plan.toml"
    copy.write_text(text)
    assert file.read(copy).targets[0].folder == str(run)
    plan = file.read(written(tmp_path, text)).model_dump()
    (run / "plan.json").write_text(json.dumps({"plan": plan}))
    assert file.read(copy).targets[0].folder == str(tmp_path)
    (run / "plan.json").write_text("[]")
    assert file.read(copy).targets[0].folder == str(run)


def test_a_target_that_the_option_moves_is_not_started(tmp_path: Path) -> None:
    """It runs there already; the plan's command has another port."""
    [moved] = file.read(written(tmp_path, MINIMAL + STARTED), {"target": [("mine", "http://127.0.0.1:9001")]}).targets
    assert (moved.url, moved.command, moved.folder) == ("http://127.0.0.1:9001", "", "")


def test_a_target_of_the_command_line_is_checked_by_itself() -> None:
    """The message names the option and what of it is wrong."""
    assert file.target("mine", f"{URL}/") == Target(name="mine", url=URL)
    with pytest.raises(PlanError, match=r"^--target, name: .*letters, digits"):
        file.target("../x", URL)
    with pytest.raises(PlanError, match=r"^--target, url: .*has no path"):
        file.target("mine", f"{URL}/api")


def test_a_rate_stands_in_for_a_share(tmp_path: Path) -> None:
    """Which would else have to be measured first."""
    text = MINIMAL + '[load]\narrival = "open"\nrate_share = 0.5\n'
    load = file.read(written(tmp_path, text), {"rate": 70.0}).load
    assert (load.rate, load.rate_share) == (70.0, None)
    assert file.read(written(tmp_path, text)).load.rate_share == 0.5


def test_a_landmark_that_cannot_answer_is_a_remark(tmp_path: Path) -> None:
    """The plan is used without it there."""
    text = MINIMAL.replace('"point_read"', '"point_read", "crud"') + '[rounds]\nonce = ["no_database"]\n'
    assert tuple(map(str, file.understood(written(tmp_path, text)).remarks)) == (
        "left out of rounds.once, because it does not answer the requests: no_database under crud",
    )


def test_another_time_to_measure_keeps_the_length_of_slices(tmp_path: Path) -> None:
    """The default plan's slices last a second. One that is left is a window; too short ones are refused."""
    path = file.find("default")
    planned = file.read(path)
    slice_s = planned.load.measure_s / planned.rounds.slices
    for measure_s, slices in ((4.0, round(4 / slice_s)), (slice_s, 1), (0.3 * slice_s, 1)):
        assert file.read(path, {"measure": measure_s}).rounds.slices == slices
    short = tmp_path / "short.toml"
    short.write_text(MINIMAL + "[load]\nmeasure_s = 2.0\n[rounds]\nslices = 10\n")
    with pytest.raises(PlanError, match=r"10 slices \(rounds.slices\) of 2 s .* are 0.2 s each, and 0.25 s"):
        file.read(short)


def test_a_profiler_needs_slices_and_one_worker(tmp_path: Path) -> None:
    """It has a turn of its own, on its service's CPU. The plan `profile` has both."""
    assert file.read(file.find("profile")).rounds.profile
    for rounds, workers, refused in (
        ("profile = true", "", r"rounds.profile needs rounds.slices of 2 or more"),
        ("profile = true\nslices = 4", "workers = [1, 2]", r"so it needs one worker: matrix.workers is 1, 2; use 1"),
    ):
        path = written(tmp_path, MINIMAL.replace("[matrix]\n", f"[matrix]\n{workers}\n") + f"[rounds]\n{rounds}\n")
        with pytest.raises(PlanError, match=refused):
            file.read(path)


def test_all_services_are_those_that_need_no_warning() -> None:
    """A warning example is measured where it is named, which is said before; no plan of the suite has it by default."""
    every = file.understood(catalogue.PLANS / "default.toml", {"services": ["all"]})
    assert every.plan.matrix.services == [one.name for one in catalogue.usual().values() if one.needs_database]
    assert [one for one in every.remarks if one.kind is Kind.EXAMPLE] == []
    named = file.understood(catalogue.PLANS / "default.toml", {"services": ["psycopg2_sync", "psycopg2_blocking"]})
    assert named.plan.matrix.services == ["psycopg2_sync", "psycopg2_blocking"]
    assert [one.text for one in named.remarks if one.kind is Kind.EXAMPLE] == catalogue.cautions(["psycopg2_blocking"])
    plans = [file.read(path) for name, path in catalogue.plans().items() if name != "blocking"]
    assert {name for one in plans for name in one.matrix.services} <= catalogue.usual().keys()
