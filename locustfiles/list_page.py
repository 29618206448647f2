"""A page of ten users from anywhere in the table: an index scan, and more rows to turn into objects and JSON."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("list_users",)


class ListPage(ServiceUser):
    """Reads pages, each at a random offset."""

    @task
    def list_users(self) -> None:
        self.list_any_page()
