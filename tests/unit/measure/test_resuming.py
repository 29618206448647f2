"""Going on with a run: what it has, and every reason not to."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.measure import environment, resuming, runner
from bench.measure.job import RunRequest
from bench.plan import matrix, schedule
from bench.report.html import writing
from bench.store import runs, stored
from db.address import dsn
from suite.errors import BenchError, ResultsError, UsageError
from tests import stored_run

NAME, SEED = "stopped", 7
ENVIRONMENT: dict[str, Any] = {
    "machine": {"cpu": "a", "cpus": 2, "memory_gib": 8.0, "architecture": "x", "system": "Linux 1"},
    "versions": {"python": "3.11", "locust": "1"},
    "git": {"commit": "abc", "modified": False},
    "code": {"digest": "d1"},
    "database": {"server": "p:1", "settings": {"fsync": "on"}, "scale": 0.01, "dataset_version": 1, "checksum": "c"},
    "services": {"asyncpg_async": {"health": {"nonce": "n1", "versions": {"asyncpg": "1"}}}},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up run of two rounds that was interrupted in its second."""
    monkeypatch.setattr(runs, "RESULTS", tmp_path / "results")
    made = tmp_path / "results" / NAME
    stored_run.write(made)
    settings = stored.plan_of(json.loads((made / "plan.json").read_text()))
    cells = matrix.cells(settings)
    order = [[cell.slug for cell in one] for one in schedule.order(cells, 2, SEED)]
    written = {
        "name": "made-up",
        "plan": settings.model_dump(),
        "seed": SEED,
        "cells": [cell.as_dict() for cell in cells],
        "order": order,
    }
    (made / "plan.json").write_text(json.dumps(written))
    (made / "status.json").write_text(json.dumps({"state": "interrupted", "why": "Ctrl-C was pressed", "at": "2026"}))
    (made / "environment.json").write_text(json.dumps(ENVIRONMENT))
    (made / "duration.json").write_text(json.dumps({"total_s": 12.5, "window_s": 4.0}))
    for slug in order[1][1:]:
        (made / "rounds" / "02" / slug / "window.json").unlink()
    return made


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_a_run_has_and_lacks(folder: Path) -> None:
    """Its plan, seed and order; every measurement that came to its end, and after which one it goes on."""
    earlier = resuming.read(NAME)
    order = json.loads((folder / "plan.json").read_text())["order"]
    assert earlier == resuming.read(str(folder))
    assert (earlier.plan_name, earlier.seed, earlier.state, earlier.total_s) == ("made-up", SEED, "interrupted", 12.5)
    assert earlier.done == {*((1, slug) for slug in order[0]), (2, order[1][0])}
    assert (earlier.after, earlier.missing) == (f"round 2: {order[1][0]}", 3)


def test_a_run_that_was_killed_goes_on_though_it_could_not_say_how_long_it_took(folder: Path) -> None:
    """`running` without a holder of the lock is a run that was killed."""
    changed(folder / "status.json", state="running")
    assert resuming.read(NAME).total_s is None


@pytest.mark.parametrize("name", ["nowhere", "", "..", ".", "../results/stopped/rounds", "/", "a/stopped", "latest"])
def test_what_is_no_run_is_refused(name: str) -> None:
    """By name, with those that there are."""
    with pytest.raises(UsageError, match=r"there is no run .*can be resumed: stopped"):
        resuming.read(name)


def test_a_link_is_refused(folder: Path) -> None:
    """Nothing is written where a link leads."""
    (folder.parent / "other").symlink_to(folder)
    with pytest.raises(UsageError, match="'other' is a link"):
        resuming.read("other")


def test_a_finished_run_lacks_nothing(folder: Path) -> None:
    """The message says how to measure it once more."""
    changed(folder / "status.json", state="finished")
    with pytest.raises(UsageError, match=r"nothing is missing.*bench run --plan results/stopped/plan\.toml"):
        resuming.read(NAME)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("plan.json", {"seed": SEED + 1}, "has other cells, or another order"),
        ("plan.json", {"cells": []}, "has other cells, or another order"),
        ("plan.json", {"order": [["a"]]}, "has other cells, or another order"),
        ("plan.json", {"seed": "x"}, "has no plan that this version can continue"),
        ("plan.json", {"plan": {"matrix": {}}}, "has no plan that this version can continue"),
    ],
)
def test_another_plan_is_refused(folder: Path, name: str, values: dict[str, Any], words: str) -> None:
    """Cells and order must be those that the stored plan and seed give."""
    changed(folder / name, **values)
    with pytest.raises(ResultsError, match=words):
        resuming.read(NAME)


@pytest.mark.parametrize("name", ["plan.json", "status.json", "environment.json"])
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str) -> None:
    """Without it, nobody knows how to go on."""
    (folder / name).write_text("{")
    with pytest.raises(BenchError, match=f"cannot read .*{name}"):
        resuming.read(NAME)


def test_the_same_environment_is_no_obstacle() -> None:
    """Where only the run's nonce, the server's port, the commit of unchanged code and other work differ."""
    now = json.loads(json.dumps(ENVIRONMENT))
    now["database"]["server"], now["services"]["asyncpg_async"]["health"]["nonce"] = "p:2", "n2"
    now["git"] = {"commit": "def", "modified": True}
    now["busy"] = {"others": 0.6, "processes": [{"name": "firefox", "cpus": 0.6}]}
    assert resuming.check_same(resuming.read(NAME), now, force=False) == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("machine.cpus", 4, "machine.cpus: 2 -> 4"),
        ("versions.locust", "2", "library versions: locust: 1 -> 2"),
        ("code.digest", "d2", "code: digest: d1 -> d2"),
        ("database.settings.fsync", "off", "PostgreSQL settings: fsync: on -> off"),
        ("database.checksum", "e", "database.checksum: c -> e"),
        ("services.asyncpg_async.health.versions.asyncpg", "2", "library versions: asyncpg: 1 -> 2"),
    ],
)
def test_another_environment_is_refused_by_name_unless_forced(path: str, value: object, words: str) -> None:
    """What differs is named, in the refusal and in what a forced run says of itself."""
    now = json.loads(json.dumps(ENVIRONMENT))
    *above, key = path.split(".")
    place = now
    for part in above:
        place = place[part]
    place[key] = value
    earlier = resuming.read(NAME)
    with pytest.raises(ResultsError, match="was measured in another environment") as refused:
        resuming.check_same(earlier, now, force=False)
    assert str(refused.value).splitlines()[1:] == [f"  {words}"]
    assert resuming.check_same(earlier, now, force=True) == (words,)


NAMED = {"private": False, "server": "postgresql://me:***@db.example:5433/bench?sslmode=require"}
OWN = {"private": True, "server": "postgresql://postgres:***@127.0.0.1:40001/bench"}


@pytest.mark.parametrize(
    ("before", "url", "words"),
    [
        (NAMED, None, ["db.example:5433, database bench", "on the private PostgreSQL", "use the same --database-url"]),
        (NAMED, "postgresql://me@db.example:5432/bench", ["db.example:5433", "db.example:5432"]),
        (NAMED, "postgresql://me@other:5433/bench", ["at db.example:5433", "at other:5433"]),
        (NAMED, "postgresql://me@db.example:5433/b", ["database bench", "database b:"]),
        (
            OWN,
            "postgresql://me:hunter2@db.example/b",
            ["measured on the private PostgreSQL", "leave out --database-url"],
        ),
    ],
)
def test_another_database_is_refused_before_anything_starts(
    folder: Path, before: dict[str, Any], url: str | None, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are named, without a password, and so is the remedy; a forced run says it."""
    for name in ("DATABASE_URL", *dsn.VARIABLES):
        monkeypatch.delenv(name, raising=False)
    changed(folder / "environment.json", database=ENVIRONMENT["database"] | before)
    earlier = resuming.read(NAME)
    request = RunRequest(earlier.plan, folder / "plan.toml", None, url, earlier=earlier)
    with pytest.raises(ResultsError) as refused:
        runner.run(request, Console(quiet=True))
    for word in (NAME, *words):
        assert word in str(refused.value)
    assert "hunter2" not in str(refused.value)
    named = dsn.parse(url) if url else None
    resuming.check_database(earlier, named, force=True)
    now = ENVIRONMENT | {"database": ENVIRONMENT["database"] | {"private": url is None, "server": url or "x"}}
    assert resuming.check_same(earlier, now, force=True)[0].startswith("database: ")


@pytest.mark.parametrize(
    ("before", "url"),
    [
        (OWN, None),
        (NAMED, "postgresql://you:secret@db.example:5433/bench?sslmode=disable"),
        ({"private": None}, "postgresql://me@db.example/bench"),
    ],
)
def test_the_same_database_is_that_of_host_port_and_name(folder: Path, before: dict[str, Any], url: str | None) -> None:
    """Who asks, and on which port the private server listens this time, makes no other one."""
    changed(folder / "environment.json", database=ENVIRONMENT["database"] | before)
    resuming.check_database(resuming.read(NAME), dsn.parse(url) if url else None, force=False)


def test_what_was_cut_off_is_kept_apart_and_what_is_whole_is_not_touched(folder: Path) -> None:
    """Twice: each time in a folder of its own."""
    earlier = resuming.read(NAME)
    order = json.loads((folder / "plan.json").read_text())["order"]
    for number in (1, 2):
        resuming.set_aside_unfinished(earlier)
        for slug in order[1][1:]:
            place = folder / "rounds" / "02" / slug
            assert sorted(path.name for path in place.iterdir()) == [f"cut-off-{one}" for one in range(1, number + 1)]
            assert (place / f"cut-off-{number}" / "samples.parquet").exists()
            (place / "samples.parquet").write_text("cut off once more")
    assert (folder / "rounds" / "02" / order[1][0] / "window.json").exists()
    assert resuming.read(NAME).done == earlier.done


def test_a_run_says_when_it_was_resumed_for_good(folder: Path) -> None:
    """In status.json, whatever its state becomes, and on its page."""
    earlier = resuming.read(NAME)
    earlier.run.resumed(earlier.after, ["code: digest: a -> b"])
    resuming.restore_status(earlier)
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], status["why"]) == ("interrupted", "Ctrl-C was pressed")
    [sentence] = runs.resumed_in_words(status)
    assert sentence.endswith(f"UTC after {earlier.after}, in another environment (code: digest: a -> b)")
    page = writing.write(folder).path.read_text()
    assert f"after {earlier.after}, in another environment (code: digest: a -&gt; b)." in page
    assert ", interrupted at " in page


def test_a_run_that_could_not_go_on_is_untouched(folder: Path) -> None:
    """As long as nothing began."""
    before = (folder / "status.json").read_bytes()
    resuming.restore_status(resuming.read(NAME))
    assert (folder / "status.json").read_bytes() == before


def test_a_run_whose_rate_was_found_goes_on_at_it_and_has_a_page(folder: Path) -> None:
    """Its plan.json then has the rate beside the share that it stands for."""
    written = json.loads((folder / "plan.json").read_text())
    load = {**written["plan"]["load"], "arrival": "open", "rate": 800.0, "rate_share": 0.5}
    changed(folder / "plan.json", plan={**written["plan"], "load": load})
    assert (resuming.read(NAME).plan.load.rate, resuming.read(NAME).plan.load.rate_share) == (800.0, None)
    assert writing.write(folder).path.exists()


def test_the_codes_digest_is_that_of_what_measures(tmp_path: Path) -> None:
    """A changed line changes it, known to git or not; a plan, a page of documentation and a cache do not."""
    for name in ("bench/a.py", "services/x/app.py", "bench/plans/p.toml", "docs/x.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    first = environment.code(tmp_path)
    (tmp_path / "bench/plans/p.toml").write_text("2")
    (tmp_path / "docs/x.md").write_text("2")
    assert environment.code(tmp_path) == first
    (tmp_path / "services/x/app.py").write_text("2")
    assert environment.code(tmp_path) != first
