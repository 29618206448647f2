"""All user operations: 50% point reads, 20% pages, 10% creates, 10% updates, 10% deletes.

Writes form a cycle: a user of the load creates a row, updates it and deletes it. All three are equally frequent. Rows
of the dataset are never changed.
"""

from itertools import count
from typing import Any
from uuid import uuid4

from locust import task

from locustfiles._bodies import exactly, is_id_beyond, is_moment
from locustfiles._user import ServiceUser

OPERATIONS = ("read_user", "list_users", "create_user", "update_user", "delete_user")


class Crud(ServiceUser):
    """Reads rows of the dataset; creates, updates and deletes its own rows."""

    def on_start(self) -> None:
        """Begin at a random place in the cycle of writes, so that users do not write in step."""
        self.own_id: int | None = None
        self.created_at = ""
        self.updated = False
        self.mailbox, self.letters = uuid4().hex, count()
        for write in (self.create_user, self.update_user)[: self.random.randrange(3)]:
            write()
        super().on_start()

    def fields(self) -> dict[str, Any]:
        """A unique name and email address."""
        letter = next(self.letters)
        return {"name": f"Load User {letter}", "email": f"{self.mailbox}.{letter}@example.com"}

    @task(50)
    def read_user(self) -> None:
        self.read_any_user()

    @task(20)
    def list_users(self) -> None:
        self.list_any_page()

    @task(30)
    def write(self) -> None:
        if self.own_id is None:
            self.create_user()
        elif not self.updated:
            self.update_user()
        else:
            self.delete_user()

    def create_user(self) -> None:
        fields = self.fields()
        expect = exactly(id=is_id_beyond(self.options.dataset_users), **fields, created_at=is_moment)
        created = self.call("create_user", "POST", "/users", body=fields, status=201, expect=expect)
        self.own_id, self.updated = (created["id"], False) if created else (None, False)
        self.created_at = created["created_at"] if created else ""

    def update_user(self) -> None:
        if self.own_id is None:  # the create before it failed
            return
        fields = self.fields()
        expect = exactly(id=self.own_id, **fields, created_at=self.created_at)
        self.call("update_user", "PUT", f"/users/{self.own_id}", body=fields, expect=expect)
        self.updated = True

    def delete_user(self) -> None:
        self.call("delete_user", "DELETE", f"/users/{self.own_id}", status=204, expect=b"")
        self.own_id = None
