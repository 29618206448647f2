"""The targets of users: one service, or several side by side, each with its share of the users."""

import os
import sys
from collections import Counter
from typing import Any, NamedTuple

from locust import events
from locust.env import Environment

from suite import catalogue

# The URL of a service: by its port on this machine, or by its name if each service has its own address.
SERVICE_URL = os.environ.get("SERVICE_URL", "http://127.0.0.1:{port}")

# The text in the web UI's host field until a user enters an address.
HOST_OF_SERVICE = "chosen under Custom parameters"

ALL = "all"

# `bench ui --services` may start only some of them.
_STARTED = [name for name in os.environ.get("BENCH_SERVICES", "").split(",") if name in catalogue.services()]
OFFERED = _STARTED or list(catalogue.services())
# What ALL means. The tab Services watches these, and those named at the start.
USUAL = _STARTED or list(catalogue.usual())


class NamedAddress(NamedTuple):
    """A base address. `name` is empty if it is the only one: its rows do not need a name."""

    name: str
    url: str


def url_of(name: str) -> str:
    """The URL of a service."""
    return SERVICE_URL.format(name=name, port=catalogue.service(name).port)


def service_at(url: str) -> str:
    """The name of the service with this URL. Empty if there is none."""
    return next((name for name in catalogue.services() if url_of(name) == url), "")


def targets(environment: Environment, operations: tuple[str, ...]) -> list[NamedAddress]:
    """The address in --host (or the web UI's field), else the chosen services. `all`: those with these operations."""
    options = environment.parsed_options
    if environment.host and environment.host != HOST_OF_SERVICE:
        return [NamedAddress("", str(environment.host).rstrip("/"))]
    assert options is not None  # noqa: S101  # Locust parses its options before it makes users
    names = list(dict.fromkeys(options.service))
    if ALL in names:
        names = [name for name in USUAL if catalogue.service(name).answers(operations)]
    return [NamedAddress(name if len(names) > 1 else "", url_of(name)) for name in names]


def worker_index(environment: Environment) -> int:
    """The number of this process among those with users: workers, or the single process of a local run."""
    return getattr(environment.runner, "worker_index", 0)


class Shares:
    """Assigns each new user of a scenario to the target with the fewest users."""

    def __init__(self) -> None:
        self._users: Counter[tuple[type, NamedAddress]] = Counter()

    def reset(self, **_: Any) -> None:
        """Forget all users, because a test begins."""
        self._users.clear()

    def join(self, environment: Environment, scenario: type) -> NamedAddress:
        """Count one more user of this class, and return its target."""
        operations = getattr(sys.modules[scenario.__module__], "OPERATIONS", ())
        found = targets(environment, operations)
        first = worker_index(environment)  # otherwise, few users of many processes would all get the same target
        found = found[first % len(found) :] + found[: first % len(found)]
        target = min(found, key=lambda one: self._users[scenario, one])
        self._users[scenario, target] += 1
        return target

    def names(self) -> list[str]:
        """The names of targets with users. A single target has an empty name."""
        return list(dict.fromkeys(target.name for (_, target), users in self._users.items() if users > 0))

    def leave(self, scenario: type, target: NamedAddress) -> None:
        """Count one user less."""
        self._users[scenario, target] -= 1


SHARES = Shares()


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Reset the counts at the start of every test."""
    environment.events.test_start.add_listener(SHARES.reset)
