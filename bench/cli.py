"""The `bench` command: finds the command, runs it, and turns every way of ending into an exit code."""

import itertools
import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console

from bench.commands import printing
from bench.measure.fleet import processes
from suite.errors import BenchError, TerminatedError
from suite.lookup import nearest

INTERRUPTED = 130
TERMINATED = 143

EPILOG = """
\b
Examples:
  bench run                                  the default plan, about six minutes
  bench run --plan smoke                     does everything work here? under a minute
  bench run --services asyncpg_async,sqlalchemy_async --scenarios crud --rounds 3
  bench list                                 the services, scenarios and plans
  bench trace asyncpg_async read_user        one request's conversation with PostgreSQL, message by message
  bench profile sqlalchemy_async --against asyncpg_async    where the CPU time goes, layer by layer
  bench compare                              what changed between the last two runs of the same plan
  bench report                               write the newest run's page, report.html
  bench calibrate                            what this machine's load generator can do
  bench COMMAND --help                       a command's options and examples

\b
Exit codes: 0 done; 1 could not start; 2 stopped part-way, results saved; 3 done, but a cell is INVALID or
verification failed; 4 compare --fail-on-regression found a regression; 130 interrupted, results saved (143 for
SIGTERM).
"""


@dataclass(frozen=True)
class CommandPlace:
    """A command's module and its summary, which help shows without importing the module."""

    module: str
    summary: str


# Each command's module, imported when it is used: the libraries of a run take seconds to load.
COMMANDS = {
    "run": CommandPlace("bench.commands.run", "Measure a plan and write CSV files to results/."),
    "up": CommandPlace("bench.commands.serve", "Start the database and the services until Ctrl-C."),
    "ui": CommandPlace("bench.commands.serve", "Start Locust's web UI, database and services until Ctrl-C."),
    "verify": CommandPlace("bench.commands.verify", "Check services against the contract, and count round trips."),
    "trace": CommandPlace("bench.commands.trace", "Show one request of a warm service, message by message."),
    "profile": CommandPlace("bench.commands.profile", "Show where a request's CPU time goes, layer by layer."),
    "compare": CommandPlace("bench.commands.compare", "Show what changed between two runs, with intervals."),
    "report": CommandPlace("bench.commands.report", "Write a run's page, report.html, and the list of all runs."),
    "calibrate": CommandPlace("bench.commands.calibrate", "Measure this machine's load generator, clock and noise."),
    "new": CommandPlace("bench.commands.new", "Make a service or a scenario from the nearest existing one."),
    "list": CommandPlace("bench.commands.listing", "Show the services, scenarios and plans."),
    "doctor": CommandPlace("bench.commands.doctor", "Check this machine; exit with 1 if a run could not start."),
    "db": CommandPlace("bench.commands.db", "Start, load, stop or delete the private PostgreSQL."),
}


class Commands(click.Group):
    """The commands of COMMANDS."""

    def list_commands(self, _: click.Context) -> list[str]:
        """All names, in the order of COMMANDS."""
        return list(COMMANDS)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Name and summary of each."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import the command of this name."""
        if name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(COMMANDS[name].module), "list_" if name == "list" else name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of this name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{nearest(args[0], COMMANDS)}; there are: {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="fastapi-postgres-bench")
def bench() -> None:
    """Which way of talking to PostgreSQL should a FastAPI service use? Measure it on this machine."""


def main() -> NoReturn:
    """Run the command line and exit with one of the codes in EPILOG."""
    signal.signal(signal.SIGTERM, _interrupt)
    printing.survive_any_encoding()
    signal.signal(signal.SIGINT, _interrupt)  # a shell's background jobs start with it ignored
    errors = Console(stderr=True)
    try:
        code = bench.main(standalone_mode=False)
    except click.exceptions.Abort:  # click's name for Ctrl-C
        code = INTERRUPTED
    except click.ClickException as error:
        _complain(errors, error.format_message())
        code = 1
    except BenchError as error:
        _complain(errors, str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TerminatedError:
        code = TERMINATED
    sys.exit(code if isinstance(code, int) else 0)


def _complain(console: Console, message: str) -> None:
    console.print("[bold red]error:[/] ", end="")
    console.print(message, markup=False, highlight=False, soft_wrap=True)


ARRIVED = itertools.count(1)


def _interrupt(number: int, _: FrameType | None) -> None:
    """The first signal unwinds the run; the second kills the processes it waits for; the third ends this process."""
    arrived = next(ARRIVED)
    if arrived == 1:
        raise KeyboardInterrupt if number == signal.SIGINT else TerminatedError
    processes.kill_all()
    if arrived > 2:
        os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
