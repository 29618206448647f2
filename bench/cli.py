"""The `bench` command: reads the words, calls the verb, turns every way of ending into an exit code."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console

from bench.commands import compare, db, doctor, listing, run, serve, verify
from bench.errors import BenchError, TerminatedError

INTERRUPTED = 130
TERMINATED = 143

EPILOG = """
\b
Examples:
  bench run                                  the default plan, about six minutes
  bench run --plan smoke                     does everything work here? under a minute
  bench run --services asyncpg_async,sqlalchemy_async --scenarios crud --rounds 3
  bench list                                 services, scenarios, plans
  bench compare                              the last two runs of the same plan
  bench COMMAND --help                       every command has examples of its own

\b
Exit codes: 0 done; 1 could not start; 2 stopped part-way, results saved; 3 done, but a cell is INVALID or
verification failed; 130 interrupted, results saved (143 for SIGTERM).
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="fastapi-postgres-bench")
def bench() -> None:
    """Which way of talking to PostgreSQL should a FastAPI service use? Measure it on this machine."""


for command in (run.run, serve.up, serve.ui, verify.verify, compare.compare, listing.list_, doctor.doctor, db.db):
    bench.add_command(command)


def main() -> NoReturn:
    """Run the command line and exit with a code of DESIGN, section 9."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
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


def _terminate(_: int, __: FrameType | None) -> None:
    raise TerminatedError
