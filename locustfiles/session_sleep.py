"""A read, then a sleep of seconds, with the session still open or already closed."""

from typing import Any

from locust import events, task
from locust.argument_parser import LocustArgumentParser

from locustfiles._options import number
from locustfiles._user import ServiceUser

OPERATIONS = ("session_sleep",)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Declare this scenario's own parameters."""
    where = "session_sleep: inside: with the session open; outside: after it was closed."
    parser.add_argument("--sleep", choices=["inside", "outside"], default="inside", help=where)
    parser.add_argument("--seconds", type=number(0, 60), default=2.0, help="session_sleep: how long (0..60).")


class SessionSleep(ServiceUser):
    """Sleeps, again and again."""

    @task
    def session_sleep(self) -> None:
        path = f"/session-sleep?sleep={self.options.sleep}&seconds={self.options.seconds:g}"
        self.call("session_sleep", "GET", path, status=204)
