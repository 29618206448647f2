"""One user read by id, over and over: the smallest request that needs the database."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("read_user",)


class PointRead(ServiceUser):
    """Reads users, each at random."""

    @task
    def read_user(self) -> None:
        self.read_any_user()
