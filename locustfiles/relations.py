"""Users with their orders and the items of these: a query for each user and order (N+1), or one for all."""

from typing import Any

import gevent
from locust import events, task
from locust.env import Environment

from locustfiles._bodies import MOST_KEPT, related, with_orders
from locustfiles._user import ServiceUser

OPERATIONS = ("relations",)
PARAMETERS = {
    "loading": {
        "type": "str",
        "choices": ["lazy", "selectin", "join", "json"],
        "default": "lazy",
        "help": "relations: a query for each user and order, one for all users and all of theirs, one join, or JSON",
    },
    "parents": {
        "type": "int",
        "default": 10,
        "low": 1,
        "high": 100,
        "help": "relations: number of users in one request, 1 to 100",
    },
}


class Relations(ServiceUser):
    """Reads `--parents` users with what is theirs, each time different ones."""

    @task
    def relations(self) -> None:
        parents, users = self.options.parents, self.options.dataset_users
        first_id = 1 + int(self.random.random() * (users - parents + 1))
        path = f"/users-with-orders?first_id={first_id}&parents={parents}&loading={self.options.loading}"
        self.call("relations", "GET", path, expect=related(range(first_id, first_id + parents), users))


def prepare(users: int) -> None:
    """Make what is expected of the dataset's users: fifty of them take longer than an answer."""
    for user_id in range(1, min(users, MOST_KEPT) + 1):
        with_orders(user_id, users)


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    """Prepare before the first user starts, in a thread, so that a worker's heartbeat goes on."""
    options = environment.parsed_options
    if options and options.samples:  # plain Locust counts this as a part of its run time
        gevent.get_hub().threadpool.apply(prepare, (options.dataset_users,))
