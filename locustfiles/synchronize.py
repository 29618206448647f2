"""Reads a note, calls a slow external API, writes the note: what does the request hold while it waits?"""

from locust import task

from locustfiles._bodies import exactly, version
from locustfiles._user import ServiceUser

OPERATIONS = ("synchronize_note",)
PARAMETERS = {
    "transaction": {
        "type": "str",
        "choices": ["implicit", "explicit"],
        "default": "implicit",
        "help": "synchronize: implicit is the library's own; explicit is short, before and after the external call",
    }
}


class Synchronize(ServiceUser):
    """Synchronizes notes, each at random. Versions rise from call to call: an answer with an older one was kept."""

    newest = 0

    @task
    def synchronize_note(self) -> None:
        note_id, newest = self.any_note_id(), self.newest
        path = f"/notes/{note_id}/synchronize?transaction={self.options.transaction}"
        expect = exactly(id=note_id, data=lambda text: (version(note_id, text) or 0) > newest)
        if answer := self.call("synchronize_note", "POST", path, expect=expect):
            self.newest = version(note_id, answer["data"]) or newest
