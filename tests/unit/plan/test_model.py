"""A plan's values: what may be written under each key, and what it means."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.plan.model import Load, Matrix, Target
from tests.unit.plan.plan_of import MINE, MINIMAL, STARTED, URL, refusal_of

BATCH = '[load]\narrival = "batch"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("users = [1, 1]\n", ["matrix.users", "only once"]),
        ("users = []\n", ["matrix.users", "at least one value"]),
        ("parameters = { count = [] }\n", ["matrix.parameters", "at least one value"]),
        ("[load]\nmeasure_s = inf\n", ["load.measure_s", "inf", "finite"]),
        ("[load]\nmeasure_s = nan\n", ["load.measure_s", "nan"]),
        ("[load]\nmeasure_s = -1\n", ["load.measure_s", "-1", "greater than 0"]),
        ('[load]\narrival = "opne"\n', ["load.arrival", "'opne'", "closed"]),
        ('[load]\narrival = "open"\n', ["the open model needs a rate (load.rate, --rate)"]),
        ("[load]\nrate = 5\n", ["a rate (load.rate, --rate) needs arrival open or batch"]),
        ("[load]\nrate_share = 0.5\n", ["load.rate_share needs arrival open, and no rate"]),
        ('[load]\narrival = "open"\nrate = 5\nrate_share = 0.5\n', ["load.rate_share needs arrival open, and no rate"]),
        ("[load]\nworkers = 0\n", ["load.workers (--load-workers) of 0 sends nothing"]),
        ("[load]\ntimeline = true\n", ["load.timeline", "arrival batch"]),
        (BATCH + "arrivals = 1001\ntimeline = true\n", ["load.timeline", "1000 requests"]),
        (BATCH + "timeline = true\nexpect_workers = 2\n", ["load.timeline needs one clock"]),
        ("[rounds]\ncount = 100\n", ["rounds.count", "100"]),
        ("[rounds]\ncount = 1\nprecision = 0.1\n", ["rounds.precision needs rounds.count from 2 to rounds.most (20)"]),
        ("[rounds]\nmost = 4\nprecision = 0.1\n", ["rounds.precision needs rounds.count from 2 to rounds.most (4)"]),
        ("[database]\nscale = 0\n", ["database.scale", "0.001"]),
        (MINE.replace("mine", "../x"), ["targets.name", "'../x'", "letters, digits"]),
        (MINE.replace("mine", "a" * 65), ["targets.name", "at most 64"]),
        (MINE + 'command = "uvicorn \'mine"\n', ["targets.command", "No closing quotation"]),
        (MINE + 'command = " "\n', ["targets.command", "the name of a program"]),
        (MINE + 'command = ["uvicorn"]\n', ["targets.command"]),
        (MINE + 'folder = "mine"\n', ["targets.folder is where targets.command is started"]),
        (STARTED + "folder = 1\n", ["targets.folder"]),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_key(tmp_path: Path, text: str, words: list[str]) -> None:
    """The message names the file, the key, and the value or what it needs."""
    said = refusal_of(tmp_path, MINIMAL + text)
    for word in [str(tmp_path / "mine.toml"), *words]:
        assert word in said


def test_an_axis_with_one_value_needs_no_brackets() -> None:
    """Nor does a parameter."""
    short = Matrix.model_validate({"scenarios": "point_read", "users": 7, "parameters": {"count": 5}})
    assert (short.scenarios, short.users, short.parameters) == (["point_read"], [7], {"count": [5]})


@pytest.mark.parametrize(
    ("values", "here", "everywhere", "distributed"),
    [
        ({}, 1, 1, False),
        ({"workers": 1}, 1, 1, False),
        ({"workers": 3}, 3, 3, True),
        ({"expect_workers": 1}, 0, 1, True),
        ({"expect_workers": 2, "workers": 1}, 1, 3, True),
    ],
)
def test_where_the_processes_of_a_load_are(
    values: dict[str, int], here: int, everywhere: int, *, distributed: bool
) -> None:
    """One on this machine by default, none beside those that are expected."""
    load = Load.model_validate(values)
    assert (load.workers_here, load.all_workers, load.distributed) == (here, everywhere, distributed)


def test_a_target_has_a_name_for_a_file_and_an_address_without_a_slash() -> None:
    """64 letters are not too many."""
    assert Target(name="a" * 64, url=f"{URL}/").url == URL
    assert Target(name="0.my-Service_2", url=URL).title == ""


def test_a_checked_plan_does_not_change() -> None:
    """It is checked once."""
    load = Load()
    with pytest.raises(ValidationError, match="frozen"):
        load.measure_s = -1  # type: ignore[misc]  # that it cannot be set is what is tested
