"""A note read, an external API called that takes seconds, the note written: what is held while the request waits?"""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("synchronize_note",)
PARAMETERS = {
    "transaction": {
        "type": "str",
        "choices": ["implicit", "explicit"],
        "default": "implicit",
        "help": "synchronize: implicit, as the library does it; explicit: short transactions around the external call.",
    }
}


class Synchronize(ServiceUser):
    """Synchronizes notes, each at random."""

    @task
    def synchronize_note(self) -> None:
        note_id = self.any_note_id()
        path = f"/notes/{note_id}/synchronize?transaction={self.options.transaction}"
        self.call("synchronize_note", "POST", path, expect={"id": note_id})
