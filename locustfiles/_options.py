"""The suite's own Locust options: fields in the web UI, options of a plain `locust` command."""

import argparse
import os
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from bench import catalogue
from locustfiles._arrivals import SPACINGS

# How a service is reached: by its port on this machine, or by its name where each has an address of its own.
SERVICE_URL = os.environ.get("SERVICE_URL", "http://127.0.0.1:{port}")

# What the web UI's host field says until somebody writes an address there.
HOST_OF_SERVICE = "the service chosen under Custom parameters"

ARRIVAL_HELP = (
    "closed: each user sends again when answered; open: requests arrive at --rate, whether answered or not, and latency"
    " counts from when they were due; batch: --arrivals requests, then the end. Users limit what is in flight."
)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Declare the options that every scenario has."""
    names = list(catalogue.services())
    add = parser.add_argument
    add("--service", choices=names, default="asyncpg_async", env_var="BENCH_SERVICE", help="The service to send to.")
    add(
        "--dataset-users",
        type=int,
        default=10_000,
        env_var="DATASET_USERS",
        help="How many users the database was loaded with (scale x 1,000,000).",
    )
    add("--client", choices=["lean", "fasthttp"], default="lean", help="lean: the suite's own; fasthttp: Locust's.")
    add("--arrival", choices=["closed", "open", "batch"], default="closed", help=ARRIVAL_HELP)
    add("--rate", type=_positive, default=100.0, metavar="RPS", help="open: arrivals per second, over all processes.")
    add("--spacing", choices=SPACINGS, default="uniform", help="open, batch: how arrivals are spaced.")
    add("--arrivals", type=int, default=100, help="batch: how many requests.")
    add("--batch-rate", type=float, default=0.0, metavar="RPS", help="batch: at this rate; 0: all at once.")
    add("--timeout-s", type=_positive, default=60.0, metavar="S", help="Without an answer by then, a request failed.")
    hidden: dict[str, Any] = {"include_in_web_ui": False}
    add("--load-seed", type=int, default=0, help="Seed of every random choice that users make.", **hidden)
    add("--samples", metavar="FILE", default="", help="Write every request to this file, for bench.", **hidden)
    spread = "With --samples: closed users send their first requests spread over so many seconds."
    add("--start-over-s", type=float, default=1.0, help=spread, **hidden)
    add("--warm-up-s", type=float, default=0.0, help="With --samples: seconds after the last user started.", **hidden)
    add("--measure-s", type=float, default=0.0, help="With --samples: then stop after so many seconds.", **hidden)


def base_url(environment: Environment) -> str:
    """The address that users send to: --host (or the web UI's field) where given, else that of --service."""
    options = environment.parsed_options
    if environment.host and environment.host != HOST_OF_SERVICE:
        return str(environment.host).rstrip("/")
    assert options is not None  # noqa: S101  # Locust parses its options before it makes users
    service = catalogue.service(options.service)
    return SERVICE_URL.format(name=service.name, port=service.port)
