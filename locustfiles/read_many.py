"""Many point reads in one request, one after the other on one connection: the driver counts for more, HTTP for less."""

from typing import Any

from locust import events, task
from locust.argument_parser import LocustArgumentParser

from locustfiles._options import whole
from locustfiles._user import ServiceUser, users_json
from services.contract import point_reads

OPERATIONS = ("read_many",)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Declare this scenario's own parameter."""
    parser.add_argument(
        "--count", type=whole(1, 100), default=20, help="read_many: point reads in one request (1..100)."
    )


class ReadMany(ServiceUser):
    """Asks for `--count` users at a time, each time others."""

    @task
    def read_many(self) -> None:
        count, seed = self.options.count, self.random.getrandbits(31)
        expect = users_json(point_reads.ids(count, seed, self.options.dataset_users))
        self.call("read_many", "GET", f"/point-reads?count={count}&seed={seed}", expect=expect)
