"""The suite's own Locust options: fields in the web UI, options of a plain `locust` command."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser

from locustfiles._arrivals import SPACINGS
from locustfiles._targets import ALL, OFFERED
from suite import catalogue, scenario_file, trust
from suite.arrival import Arrival
from suite.scenario_file import Parameter, Scalar

MOST = 1_000_000_000

# The web UI's label of a field is the option's name and, in brackets, its help text.
SERVICE_HELP = "; ".join(
    (
        "several with Ctrl-click: they share the users, and each has its own rows",
        f"{ALL}: each that can answer",
        *catalogue.cautions(OFFERED),
    )
)
ARRIVAL_HELP = (
    "closed: each user sends again when it is answered; open: requests arrive at the rate, answered or not;"
    " batch: a number of requests, then the end"
)
RATE_HELP = "open: requests per second, of all services together; latency counts from when a request was due"


def positive(text: str) -> float:
    """The type of an option that is a number above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def number(low: float, high: float) -> Callable[[str], float]:
    """The type of an option that is a number from `low` to `high`."""

    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {low:g} to {high:g}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from `low` to `high`."""

    def read(text: str) -> int:
        if not text.strip().isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {low:,} to {high:,}")
        return int(text)

    return read


PARAMETERS: dict[str, Parameter] = {}


def declare(written: Mapping[str, Any], file: str) -> None:
    """Register a scenario's PARAMETERS as options. Two scenarios with the same parameter share one option."""
    PARAMETERS.update(scenario_file.parameters(written, file))


def _add_parameters(parser: LocustArgumentParser) -> None:
    for name, parameter in PARAMETERS.items():
        kind = {"choices": parameter.choices} if parameter.choices else {"type": _reader(parameter)}
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, default=parameter.default, help=parameter.help, **kind)


def _reader(parameter: Parameter) -> Callable[[str], Scalar]:
    def read(text: str) -> Scalar:
        try:
            return parameter.of_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Declare all options in the order of the form: service, arrival, the scenarios' own, what rarely changes."""
    add = parser.add_argument
    add(
        "--service",
        nargs="+",
        choices=[ALL, *OFFERED],
        default=["asyncpg_async" if "asyncpg_async" in OFFERED else OFFERED[0]],
        env_var="BENCH_SERVICE",
        is_multiple=True,
        help=SERVICE_HELP,
    )
    add("--arrival", choices=[*map(str, Arrival)], default=str(Arrival.CLOSED), help=ARRIVAL_HELP)
    add("--rate", type=positive, default=100.0, metavar="RPS", help=RATE_HELP)
    add("--arrivals", type=whole(1, MOST), default=100, help="batch: number of requests, of all services together")
    add(
        "--batch-rate",
        type=number(0, MOST),
        default=0.0,
        metavar="RPS",
        help="batch: requests per second, of all services together; 0 sends all at once",
    )
    add(
        "--spacing",
        choices=SPACINGS,
        default="uniform",
        help="open, and batch with a rate: uniform has equal gaps between requests; poisson has random ones",
    )
    _add_parameters(parser)
    add(
        "--timeout-s",
        type=positive,
        default=60.0,
        metavar="S",
        help="seconds after which a request without an answer has failed",
    )
    add(
        "--client",
        choices=["lean", "fasthttp"],
        default="lean",
        help="what sends the requests: lean is the suite's own; fasthttp is Locust's",
    )
    add(
        "--dataset-users",
        type=whole(1, MOST),
        default=10_000,
        env_var="DATASET_USERS",
        help="number of users in the database as it was loaded: scale x 1,000,000",
    )
    add(
        trust.OPTION,
        default="",
        env_var=trust.VARIABLE,
        metavar="FILE",
        include_in_web_ui=False,
        help="certificates (PEM) to trust beside the system's, for https; workers get them from their master",
    )
    hidden: dict[str, Any] = {"include_in_web_ui": False}
    add("--load-seed", type=int, default=0, help="Seed for every random choice of the users.", **hidden)
    add("--samples", metavar="FILE", default="", help="Write every request to this file, for bench.", **hidden)
    spread = "With --samples: closed users spread their first requests over this many seconds."
    add("--start-over-s", type=float, default=1.0, help=spread, **hidden)
    add(
        "--turns",
        action="store_true",
        help="With --samples: begin, warm up and end when standard input says so, one command a line.",
        **hidden,
    )
    add(
        "--warm-up-s",
        type=float,
        default=0.0,
        help="With --samples: warm-up, in seconds after the last user started.",
        **hidden,
    )
    add(
        "--warm-up-most-s",
        type=float,
        default=30.0,
        help="With --samples: the longest warm-up. It lasts at least twice the response time.",
        **hidden,
    )
    add(
        "--drain-s",
        type=float,
        default=60.0,
        help="With --samples: the longest time that the load goes on for the requests of its window.",
        **hidden,
    )
    add(
        "--measure-s",
        type=float,
        default=0.0,
        help="With --samples: length of the window in seconds.",
        **hidden,
    )
