"""`bench run`: measure a plan."""

from typing import Any

import click
from click.core import ParameterSource

from bench.commands import options
from bench.plan import file, servers
from db.ports import LOOPBACK
from suite.errors import UsageError

EPILOG = """
\b
Examples:
  bench run                                         the default plan: point reads, four services, 1000 users
  bench run --plan smoke --name first-try           results in results/first-try
  bench run --services psycopg2_sync,asyncpg_async --scenarios crud,list_page --rounds 3
  bench run --services asyncpg_async --pool-size 5,10,20     an axis: each value is a cell
  bench run --arrival open --rate 500               latency at a load that does not wait for answers
  bench run --load-workers 2                        the users spread over two processes
  bench run --expect-workers 2 --bind-host 192.0.2.7   and over two on other machines: the command for them is printed
  bench run --precision 3%                          as many rounds (at most 20) as that takes
  bench run --services asyncpg_async --target mine=http://127.0.0.1:9000     a service of your own beside one of these
  bench run --services "" --target mine=http://127.0.0.1:9000                and alone
  bench run --plan my-plan.toml --database-url postgresql://me@db.example/bench
  bench run --resume first-try                      what a run that was stopped has not measured yet

Every option overrides the plan, but for --target, which adds to it. A target must be running; docs/adding-a-service.md
says how it gets at the data. Results: results/<run>/summary.csv and more; results/README.md explains each file.
"""


@click.command(epilog=EPILOG)
@click.option("--plan", "plan_name", default="default", show_default=True, metavar="NAME|FILE", help="What to measure.")
@options.services
@click.option("--scenarios", type=options.Names(), help="Which scenarios, with commas between them.")
@click.option("--users", type=options.Integers(), help="Simulated users.")
@click.option("--rounds", type=int, help="How often every cell is measured.")
@click.option("--precision", type=options.SHARE, help="More rounds until throughput ratios are known this well: 3%.")
@click.option("--measure", type=float, metavar="SECONDS", help="Length of each window.")
@click.option("--scale", type=float, help="Size of the dataset; 1 is a million users.")
@click.option("--name", help="Name of the results folder; by default the time and the plan's name.")
@click.option("--seed", type=int, help="Seed of the order of cells and of what users ask for.")
@click.option("--pool-size", type=options.Integers(), help="Connections in each worker's pool.")
@click.option("--workers", type=options.Integers(), help="Worker processes of each service.")
@click.option("--server", type=options.Names(), help=f"{servers.titles()}.")
@click.option("--profile", type=options.Names(), help="idiomatic, as libraries come; lean: no avoidable round trip.")
@click.option("--arrival", help="closed: each user sends again when answered; open: at --rate; batch.")
@click.option("--rate", type=float, metavar="RPS", help="Arrivals per second of the open model.")
@click.option("--load-workers", type=int, metavar="N", help="Load processes on this machine (Locust's workers).")
@click.option("--expect-workers", type=int, metavar="N", help="Wait for N load processes that you start elsewhere.")
@click.option(
    "--bind-host",
    default=LOOPBACK,
    show_default=True,
    metavar="ADDRESS",
    help="With --expect-workers: where services and Locust's master listen, for other machines.",
)
@options.target
@click.option("--resume", "stopped", metavar="RUN", help="Go on with a run that did not come to its end.")
@click.option("--force", is_flag=True, help="With --resume: on another machine, with other versions, settings or code.")
@options.database_url
@click.pass_context
def run(
    context: click.Context,
    /,
    plan_name: str,
    name: str | None,
    bind_host: str,
    database_url: str | None,
    stopped: str | None,
    *,
    force: bool,
    **overrides: Any,
) -> int:
    """Measure a plan and leave CSVs in results/."""
    if stopped is not None:
        _refuse_others(context)
        return _resume(stopped, database_url, bind_host, force=force)
    if force:
        raise UsageError("--force goes with --resume RUN: it is for going on in another environment")
    path = file.find(plan_name)
    reading = file.understood(path, overrides)
    plan = reading.plan
    # What measures and analyses takes seconds to load: whoever mistyped an option is not to wait for it.
    from bench.measure import runner  # noqa: PLC0415  # see above
    from bench.measure.job import Request  # noqa: PLC0415  # see above

    if bind_host != LOOPBACK and not plan.load.expect_workers:
        raise UsageError(f"--bind-host {bind_host} is for load workers on other machines; give --expect-workers, too")
    console = options.console()
    for remark in reading.remarks:
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
    request = Request(plan, path, name, database_url, bind_host)
    return runner.run(request, console)


# What an interrupted run can be told anew: where its database is, and where it listens. All else is its plan's.
WITH_RESUME = frozenset({"stopped", "force", "database_url", "bind_host"})


def _refuse_others(context: click.Context) -> None:
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in WITH_RESUME
        and parameter.name is not None
        and context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(
            f"--resume goes on with the plan, the seed and the name that the run has: leave out {', '.join(given)},"
            " or leave out --resume and measure anew"
        )


def _resume(name: str, database_url: str | None, bind_host: str, *, force: bool) -> int:
    from bench.measure import resuming, runner  # noqa: PLC0415  # as in `run`
    from bench.measure.job import Request  # noqa: PLC0415  # as in `run`

    earlier = resuming.read(name)
    path = earlier.run.folder / "plan.toml"
    return runner.run(Request(earlier.plan, path, None, database_url, bind_host, earlier, force), options.console())
