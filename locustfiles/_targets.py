"""Whom users send to: one service, or several side by side, each with its share of the users."""

import os
import sys
from collections import Counter
from typing import Any, NamedTuple

from locust import events
from locust.env import Environment

from suite import catalogue

# How a service is reached: by its port on this machine, or by its name where each has an address of its own.
SERVICE_URL = os.environ.get("SERVICE_URL", "http://127.0.0.1:{port}")

# What the web UI's host field says until somebody writes an address there.
HOST_OF_SERVICE = "chosen under Custom parameters"

ALL = "all"

# `bench ui --services` starts some of them only.
OFFERED = [name for name in os.environ.get("BENCH_SERVICES", "").split(",") if name in catalogue.services()] or list(
    catalogue.services()
)


class NamedAddress(NamedTuple):
    """A base address. `name` is empty when it is the only one: its rows then need none."""

    name: str
    url: str


def url_of(name: str) -> str:
    """Where a service answers."""
    return SERVICE_URL.format(name=name, port=catalogue.service(name).port)


def targets(environment: Environment, operations: tuple[str, ...]) -> list[NamedAddress]:
    """What --host (or the web UI's field) names, else the services chosen; of `all`, those with these operations."""
    options = environment.parsed_options
    if environment.host and environment.host != HOST_OF_SERVICE:
        return [NamedAddress("", str(environment.host).rstrip("/"))]
    assert options is not None  # noqa: S101  # Locust parses its options before it makes users
    names = list(dict.fromkeys(options.service))
    if ALL in names:
        names = [name for name in OFFERED if catalogue.service(name).answers(operations)]
    return [NamedAddress(name if len(names) > 1 else "", url_of(name)) for name in names]


def worker_index(environment: Environment) -> int:
    """This process's number among those that have users; only workers and the one process of a local run have one."""
    return getattr(environment.runner, "worker_index", 0)


class Shares:
    """Which target the next user of a scenario gets: the one with the fewest."""

    def __init__(self) -> None:
        self._users: Counter[tuple[type, NamedAddress]] = Counter()

    def forget(self, **_: Any) -> None:
        """A test begins."""
        self._users.clear()

    def join(self, environment: Environment, scenario: type) -> NamedAddress:
        """One more user of this class."""
        operations = getattr(sys.modules[scenario.__module__], "OPERATIONS", ())
        found = targets(environment, operations)
        first = worker_index(environment)  # or few users of many processes would all take the same
        found = found[first % len(found) :] + found[: first % len(found)]
        target = min(found, key=lambda one: self._users[scenario, one])
        self._users[scenario, target] += 1
        return target

    def names(self) -> list[str]:
        """The targets that have users, by name; the only one's is empty."""
        return list(dict.fromkeys(target.name for (_, target), users in self._users.items() if users > 0))

    def leave(self, scenario: type, target: NamedAddress) -> None:
        """One less."""
        self._users[scenario, target] -= 1


SHARES = Shares()


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Count anew for every test."""
    environment.events.test_start.add_listener(SHARES.forget)
