"""Reads a note, calls a slow external API, writes the note: what does the request hold while it waits?"""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("synchronize_note",)
PARAMETERS = {
    "transaction": {
        "type": "str",
        "choices": ["implicit", "explicit"],
        "default": "implicit",
        "help": "synchronize: implicit: the library's own; explicit: short transactions around the external call.",
    }
}


class Synchronize(ServiceUser):
    """Synchronizes notes, each at random."""

    @task
    def synchronize_note(self) -> None:
        note_id = self.any_note_id()
        path = f"/notes/{note_id}/synchronize?transaction={self.options.transaction}"
        self.call("synchronize_note", "POST", path, expect={"id": note_id})
