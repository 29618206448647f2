"""Runs two queries at once, turns rows into tables, computes for up to a second: I/O and CPU work in one request."""

from random import Random
from typing import Any, ClassVar

import gevent
from locust import events, task
from locust.env import Environment

from locustfiles._bodies import exactly, simulated
from locustfiles._targets import worker_index
from locustfiles._user import ServiceUser

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
        if environment.parsed_options:
            # Makes the index before the first request is due. In a thread, so that a worker's heartbeat goes on.
            gevent.get_hub().threadpool.apply(simulated, (1, environment.parsed_options.dataset_users))
        cls.shared = Random(f"{seed}/simulation/{worker_index(environment)}")  # noqa: S311  # no secret

    def any_user_id(self) -> int:
        """The id of a random user of the dataset."""
        return 1 + self.shared.randrange(self.options.dataset_users)

    @task
    def simulation(self) -> None:
        user_id = self.any_user_id()
        expect = exactly(**simulated(user_id, self.options.dataset_users))
        self.call("simulation", "GET", f"/simulation?user_id={user_id}", expect=expect)


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    """Prepare before the first user starts."""
    Simulation.begin(environment)
