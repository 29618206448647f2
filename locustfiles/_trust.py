"""The certificates of --ca-file. Workers get them from their master, so the file need not be on their machine."""

import sys
from argparse import Namespace
from typing import Any

from locust import events
from locust.env import Environment

from suite import trust
from suite.errors import UsageError


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Read the file. Locust sends all options of a master to its workers, and this one with them."""
    options = environment.parsed_options
    if options is None or not options.ca_file:
        return  # a worker keeps what it was given itself
    try:
        options.trusted = trust.read(options.ca_file).pem
    except UsageError as error:
        sys.exit(f"error: {error}")


def trusted(options: Namespace) -> str:
    """The certificates (PEM) to trust beside the system's."""
    return str(getattr(options, "trusted", ""))
