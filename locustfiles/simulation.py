"""Runs two queries at once, turns rows into tables, computes for up to a second: I/O and CPU work in one request."""

from functools import cache
from random import Random
from typing import Any, ClassVar

from locust import events, task
from locust.env import Environment

from locustfiles._targets import worker_index
from locustfiles._user import ServiceUser
from services.contract.computation import FIBONACCI_MAX

OPERATIONS = ("simulation",)


class Simulation(ServiceUser):
    """Simulates for users of the dataset, each at random."""

    # All users draw from one generator: the costs of requests differ a thousandfold, and so a batch is the same work
    # for every service, and for any number of users.
    shared: ClassVar[Random]

    @classmethod
    def begin(cls, environment: Environment) -> None:
        """Seed the generator, because a test begins."""
        seed = environment.parsed_options.load_seed if environment.parsed_options else 0
        cls.shared = Random(f"{seed}/simulation/{worker_index(environment)}")  # noqa: S311  # no secret

    def any_user_id(self) -> int:
        """The id of a random user of the dataset."""
        return 1 + self.shared.randrange(self.options.dataset_users)

    @task
    def simulation(self) -> None:
        self.call("simulation", "GET", f"/simulation?user_id={self.any_user_id()}", expect=problem)


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    """Prepare before the first user starts."""
    Simulation.begin(environment)


def problem(answer: dict[str, Any]) -> str:
    """The problem of an answer whose parts are not consistent. Empty if they are."""
    total = sum(quantity or 0 for quantity in answer["orders"]["quantity"])
    if answer["total_quantity"] != total:
        return "wrong total_quantity in body"
    bought = {product for product in answer["orders"]["product_id"] if product is not None}
    if set(answer["products"]["id"]) != bought:
        return "wrong products in body"
    return "" if answer["fibonacci"] == fibonacci(min(total, FIBONACCI_MAX)) else "wrong fibonacci in body"


@cache
def fibonacci(n: int) -> int:
    """As in services/contract/computation.py, but each number is computed only once: the load must cost little."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
