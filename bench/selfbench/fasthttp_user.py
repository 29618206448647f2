"""A plain Locust user, as in Locust's documentation, for comparison: it checks and records nothing."""

from locust import FastHttpUser, task


class PlainUser(FastHttpUser):
    """Reads user 1 again and again."""

    @task
    def read_user(self) -> None:
        """Send one request. The next follows at once."""
        self.client.get("/users/1", name="read_user")
