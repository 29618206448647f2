"""A query that takes seconds inside PostgreSQL: threads, connections and the event loop wait for it."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("slow_query",)
PARAMETERS = {
    "seconds": {
        "type": "float",
        "default": 2.0,
        "low": 0,
        "high": 60,
        "help": "session_sleep, slow_query: length of the sleep or the query, 0 to 60",
    },
}


class SlowQuery(ServiceUser):
    """Sends the query, again and again."""

    @task
    def slow_query(self) -> None:
        self.call("slow_query", "GET", f"/slow-query?seconds={self.options.seconds:g}", status=204, expect=b"")
