"""The command that repeats a run."""

from bench.plan import file
from bench.report.html import repeat


def test_the_command_that_repeats_a_run_has_what_was_not_the_plans() -> None:
    """An option for each difference, the seed, and a word on another PostgreSQL."""
    written = file.read(file.find("smoke"))
    assert repeat.command("p.toml", written, written, None, private=True) == "bench run --plan p.toml"
    fewer = file.read(file.find("default"), {"services": ["asyncpg_async"]})
    assert repeat.command("p.toml", file.read(file.find("default")), fewer, None, private=True) == (
        "bench run --plan p.toml --services asyncpg_async --baseline ''"
    )
    used = file.read(file.find("smoke"), {"users": [10, 20], "measure": 2.5, "services": ["asyncpg_async"]})
    assert repeat.command("p.toml", written, used, 7, private=False) == (
        "bench run --plan p.toml --services asyncpg_async --users 10,20 --measure 2.5 --seed 7 --database-url URL"
    )


def test_a_scenario_from_outside_is_named_by_the_runs_copy() -> None:
    """Where an option named its file: the plan does not have it."""
    written = file.read(file.find("smoke"))
    used = written.model_copy(update={"matrix": written.matrix.model_copy(update={"scenarios": ["newest", "crud"]})})
    copies = {"newest": "results/run/scenarios/newest.py"}
    assert repeat.command("p.toml", written, used, None, private=True, copies=copies) == (
        "bench run --plan p.toml --scenarios results/run/scenarios/newest.py,crud"
    )
