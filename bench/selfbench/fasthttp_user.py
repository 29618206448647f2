"""A plain Locust user as its documentation shows one, to hold the suite's own against: no checks, nothing recorded."""

from locust import FastHttpUser, task


class PlainUser(FastHttpUser):
    """Reads user 1, over and over."""

    @task
    def read_user(self) -> None:
        """One request; the next follows at once."""
        self.client.get("/users/1", name="read_user")
