"""`bench profile`: where a request's CPU time goes, layer by layer."""

from typing import Any

import click

from bench.commands import options
from bench.plan import file
from suite import catalogue
from suite.errors import UsageError

EPILOG = """
\b
Examples:
  bench profile asyncpg_async                                where a point read's CPU time goes
  bench profile sqlalchemy_async --against asyncpg_async     what is dearer, layer by layer
  bench profile sqlalchemy_async --driver psycopg --scenario read_many
  bench profile psycopg2_sync --users 1 --rounds 10          one user, narrower intervals
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
@click.option("--name", help="Name of the results folder. By default the time and `profile`.")
@options.database_url
def profile(
    service: str, against: str | None, scenario: str, name: str | None, database_url: str | None, **overrides: Any
) -> int:
    """Measure where the CPU time of SERVICE goes: event loop, server, framework, ORM, driver, kernel.

    Each layer has its time a request with an interval over the rounds. The page has flame graphs.
    """
    names = [catalogue.service(one).name for one in (service, against) if one]
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
