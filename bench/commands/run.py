"""`bench run`: measure a plan."""

from typing import Any

import click

from bench.commands import options
from bench.plan import file, servers
from db.ports import LOOPBACK
from suite import trust
from suite.errors import UsageError

EPILOG = """
\b
Examples:
  bench run                                         the default plan: point reads, four services, 1000 users
  bench run --dry-run                               what that would measure, for how long and how precisely
  bench run --plan smoke --name first-try           results in results/first-try
  bench run --services psycopg2_sync,asyncpg_async --scenarios crud,list_page --rounds 3
  bench run --scenarios ./mine.py,crud              a scenario of your own, from any folder, beside one of the suite's
  bench run --services asyncpg_async --pool-size 5,10,20     measure each of several values
  bench run --arrival open --rate 500               latency at 500 requests/s, sent without waiting for answers
  bench run --load-workers 2                        spread the users over two processes
  bench run --expect-workers 2 --bind-host 192.0.2.7   over two on other machines; prints the command to start them
  bench run --precision 3%                          as many rounds as that needs, at most 20
  bench run --baseline asyncpg_async --all-pairs    ratios to asyncpg_async, and below them all others
  bench run --services asyncpg_async --target mine=http://127.0.0.1:9000     your own application beside asyncpg_async
  bench run --services "" --target mine=http://127.0.0.1:9000                your own application alone
  bench run --target mine=https://mine.example --ca-file ca.pem              with a CA of your own
  bench run --plan my-plan.toml --database-url postgresql://me@db.example/bench
  bench run --resume first-try                      measure what a stopped run has not measured yet

Options override the plan. --target adds to it. Its target must be running (a plan's targets.command starts one);
docs/adding-a-service.md explains how it reaches the data. Results are in
results/<run>/summary.csv and other files; results/README.md explains each one.
"""


@click.command(epilog=EPILOG)
@click.option("--plan", "plan_name", default="default", show_default=True, metavar="NAME|FILE", help="What to measure.")
@options.services
@click.option(
    "--scenarios",
    type=options.Names(),
    metavar="NAME|FILE,...",
    help="Scenarios, separated by commas: names, or files (./mine.py).",
)
@click.option("--users", type=options.Integers(), help="Simulated users.")
@click.option("--rounds", type=int, help="How many times each cell is measured.")
@click.option(
    "--precision",
    type=options.SHARE,
    help="Keep adding rounds until every throughput ratio's interval is this narrow, e.g. 3%.",
)
@click.option("--baseline", metavar="NAME", help='Compare all others with this service first; "" compares all pairs.')
@options.all_pairs
@click.option("--measure", type=float, metavar="SECONDS", help="Length of each measured window.")
@click.option("--warm-up", type=float, metavar="SECONDS", help="How long the load runs before a window, at least.")
@click.option("--scale", type=float, help="Size of the dataset; 1 is a million users.")
@click.option("--name", help="Name of the results folder. By default the time and the plan's name.")
@click.option("--seed", type=int, help="Seed for the order of cells and for the users' requests.")
@click.option("--pool-size", type=options.Integers(), help="Connections in each worker's pool.")
@click.option("--workers", type=options.Integers(), help="Worker processes of each service.")
@click.option("--server", type=options.Names(), help=f"{servers.titles()}.")
@click.option("--loop", type=options.Names(), help="Event loop of the server: uvloop or asyncio.")
@click.option("--profile", type=options.Names(), help="idiomatic: libraries' defaults; lean: no avoidable round trip.")
@click.option("--driver", type=options.Names(), help="Drivers of services that have a choice, e.g. usual,psycopg.")
@click.option(
    "--gc", type=options.Names(), help="default: Python's garbage collection; freeze: not of what the start made."
)
@click.option(
    "--pooler", type=options.Names(), help="transaction: settings for a pooler in transaction mode (PgBouncer); none."
)
@click.option("--arrival", help="closed: users send again when answered; open: at --rate; batch: a fixed number.")
@click.option("--rate", type=float, metavar="RPS", help="Arrivals per second of the open model.")
@click.option("--load-workers", type=int, metavar="N", help="Load processes (Locust workers) on this machine.")
@click.option("--expect-workers", type=int, metavar="N", help="Wait for N load processes started on other machines.")
@click.option(
    "--bind-host",
    default=LOOPBACK,
    show_default=True,
    metavar="ADDRESS",
    help="With --expect-workers: the address on which services and Locust's master listen.",
)
@options.target
@options.ca_file
@click.option("--resume", "stopped", metavar="RUN", help="Continue a run that did not finish.")
@click.option(
    "--force", is_flag=True, help="With --resume: continue even if machine, versions, settings or code differ."
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would be measured, in which order and how long; measure nothing."
)
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
    ca_file: str | None,
    *,
    force: bool,
    all_pairs: bool,
    dry_run: bool,
    **overrides: Any,
) -> int:
    """Measure a plan and write CSV files to results/."""
    if stopped is not None:
        _refuse_others(context)
        return _resume(stopped, database_url, bind_host, ca_file, force=force, all_pairs=all_pairs)
    if force:
        raise UsageError("--force can only be used with --resume RUN")
    path = file.find(plan_name)
    reading = file.understood(path, overrides)
    plan = reading.plan
    # What measures and analyses takes seconds to load. A mistyped option should be reported at once.
    from bench.commands import dry_run as planned  # noqa: PLC0415  # see above
    from bench.measure import runner  # noqa: PLC0415  # see above
    from bench.measure.job import RunRequest, decide  # noqa: PLC0415  # see above

    if bind_host != LOOPBACK and not plan.load.expect_workers:
        raise UsageError(f"--bind-host {bind_host} can only be used with --expect-workers")
    console = options.console()
    for remark in reading.remarks:
        console.print(str(remark), highlight=False, markup=False, soft_wrap=True)
    trusted = trust.read(ca_file or "")
    request = RunRequest(
        plan, path, name, database_url, bind_host, all_pairs=all_pairs, outside=reading.outside, trust=trusted
    )
    if dry_run:
        for line in planned.lines(decide(request)):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return 0
    return runner.run(request, console)


# What may be given with --resume: where the database is, where to listen, whom to trust, what to print. The run's plan
# has the rest.
WITH_RESUME = frozenset({"stopped", "force", "database_url", "bind_host", "ca_file", "all_pairs"})


def _refuse_others(context: click.Context) -> None:
    if given := options.given_beside(context, WITH_RESUME):
        raise UsageError(
            f"--resume keeps the run's own plan, seed and name: leave out {', '.join(given)}, or leave out --resume to"
            " start a new run"
        )


def _resume(
    name: str, database_url: str | None, bind_host: str, ca_file: str | None, *, force: bool, all_pairs: bool
) -> int:
    from bench.measure import resuming, runner  # noqa: PLC0415  # as in `run`
    from bench.measure.job import RunRequest  # noqa: PLC0415  # as in `run`
    from bench.store import kept_scenarios  # noqa: PLC0415  # as in `run`

    earlier = resuming.read(name)
    path = earlier.run.folder / "plan.toml"
    own = kept_scenarios.by_name(earlier.scenarios)
    trusted = trust.read(ca_file or "")
    request = RunRequest(earlier.plan, path, None, database_url, bind_host, earlier, force, all_pairs, own, trusted)
    return runner.run(request, options.console())
