"""`bench profile`: where a request's CPU time goes, layer by layer."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bench.commands import options
from bench.plan import file, matrix
from suite import catalogue
from suite.errors import UsageError

SCALE = 0.01  # of the dataset beside which memory is measured
EPILOG = """
\b
Examples:
  bench profile asyncpg_async                                where a point read's CPU time goes
  bench profile sqlalchemy_async --against asyncpg_async     what is dearer, layer by layer
  bench profile sqlalchemy_async --driver psycopg --scenario read_many
  bench profile psycopg2_sync --users 1 --rounds 10          one user, narrower intervals
  bench profile psycopg2_sync --memory                       what one more connection, thread and worker takes
  bench run --plan profile                                   all services

py-spy looks at the service in turns of its own; the CPU time is that of the slices without it. Results are in
results/<run>/profile.csv and stacks/; docs/methodology.md explains the layers.
"""


@click.command(epilog=EPILOG)
@click.argument("service")
@click.option("--against", metavar="OTHER", help="A second service: the difference of each layer.")
@click.option("--scenario", default="point_read", show_default=True, metavar="NAME|FILE", help="The load.")
@click.option("--driver", type=options.Names(), help="The driver below; with two, they are held against each other.")
@click.option("--profile", type=options.Names(), help="idiomatic: libraries' defaults; lean: no avoidable round trip.")
@click.option("--users", type=int, help="Simulated users.  [default: 16]")
@click.option("--rounds", type=int, help="How many times the service is measured, in new processes.  [default: 5]")
@click.option("--measure", type=float, metavar="SECONDS", help="Without the profiler, in each round.  [default: 4]")
@click.option("--profile-s", type=int, metavar="SECONDS", help="With the profiler, in each round.  [default: 4]")
@click.option("--memory", is_flag=True, help="The memory of one more connection, thread and worker, and no CPU time.")
@click.option("--name", help="Name of the results folder. By default the time and `profile`.")
@options.database_url
@click.pass_context
def profile(
    context: click.Context,
    /,
    service: str,
    against: str | None,
    scenario: str,
    name: str | None,
    database_url: str | None,
    *,
    memory: bool,
    **overrides: Any,
) -> int:
    """Measure where the CPU time of SERVICE goes: event loop, server, framework, ORM, driver, kernel.

    Each layer has its time a request with an interval over the rounds. The page has flame graphs.
    """
    names = [catalogue.service(one).name for one in (service, against) if one]
    if memory:
        if others := options.given_beside(context, WITH_MEMORY):
            raise UsageError(f"--memory has a load of its own: leave out {', '.join(others)}")
        return _memory(names, overrides["rounds"], name, database_url)
    if len(set(names)) < len(names):
        raise UsageError(f"--against {against} is the same service; name another one, or two drivers: --driver a,b")
    users = overrides.pop("users")
    given = {**overrides, "services": names, "scenarios": [scenario], "users": None if users is None else [users]}
    path = file.find("profile")
    reading = file.understood(path, given)
    # As in `bench run`: what measures takes seconds to load.
    from bench.measure import runner  # noqa: PLC0415  # see above
    from bench.measure.job import RunRequest  # noqa: PLC0415  # see above

    request = RunRequest(reading.plan, path, name, database_url, outside=reading.outside)
    return runner.run(request, options.console())


WITH_MEMORY = frozenset({"service", "against", "rounds", "name", "database_url", "memory"})


def _memory(names: list[str], rounds: int | None, name: str | None, database_url: str | None) -> int:
    """Measure what connections, threads and workers of these services take. Returns the exit code."""
    from bench.analysis.profiling import memory as slopes  # noqa: PLC0415  # as in `profile`
    from bench.measure import database  # noqa: PLC0415  # as in `profile`
    from bench.measure.fleet import orphans  # noqa: PLC0415  # as in `profile`
    from bench.measure.profiling import memory  # noqa: PLC0415  # as in `profile`
    from bench.report.terminal import memory_table  # noqa: PLC0415  # as in `profile`
    from bench.store import files, runs  # noqa: PLC0415  # as in `profile`
    from db.data import dataset, restore  # noqa: PLC0415  # as in `profile`

    console, setups = options.console(), [matrix.default_setup(one) for one in names]
    rounds = memory.ROUNDS if rounds is None else rounds

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    folder = runs.create(name, "memory", datetime.now(UTC))
    try:
        with (
            runs.lock(),
            database.opened(database_url, services=[one.described for one in setups]) as server,
            tempfile.TemporaryDirectory() as logs,
        ):
            orphans.end(console)
            database.loaded(server, SCALE)
            restore.restore(server.dsn)
            users = dataset.size(SCALE).users
            found = [
                cost
                for setup in setups
                for cost in slopes.costs(
                    setup.service, memory.measured(setup, server, users, Path(logs), say, rounds=rounds)
                )
            ]
    except BaseException:
        folder.discard()  # a slope needs all of its points
        raise
    files.write_whole(folder.folder / memory_table.FILE, memory_table.csv_text(found))
    console.print(memory_table.table(found))
    options.say(console, catalogue.cautions(names))
    say(f"results: results/{folder.run_id}/{memory_table.FILE}")
    return 0
