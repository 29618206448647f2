"""A note read, an external API called that takes seconds, the note written: what is held while the request waits?"""

from typing import Any

from locust import events, task
from locust.argument_parser import LocustArgumentParser

from locustfiles._user import ServiceUser

OPERATIONS = ("synchronize_note",)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Declare this scenario's own parameter."""
    help_ = "synchronize: implicit, as the library does it; explicit: short transactions around the external call."
    parser.add_argument("--transaction", choices=["implicit", "explicit"], default="implicit", help=help_)


class Synchronize(ServiceUser):
    """Synchronizes notes, each at random."""

    @task
    def synchronize_note(self) -> None:
        note_id = self.any_note_id()
        path = f"/notes/{note_id}/synchronize?transaction={self.options.transaction}"
        self.call("synchronize_note", "POST", path, expect={"id": note_id})
