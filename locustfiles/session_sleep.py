"""Reads a row, then sleeps for seconds, with the session still open or already closed."""

from locust import task

from locustfiles._user import ServiceUser

OPERATIONS = ("session_sleep",)
PARAMETERS = {
    "sleep": {
        "type": "str",
        "choices": ["inside", "outside"],
        "default": "inside",
        "help": "session_sleep: inside sleeps with the session open; outside sleeps after it was closed",
    },
    "seconds": {
        "type": "float",
        "default": 2.0,
        "low": 0,
        "high": 60,
        "help": "session_sleep, slow_query: length of the sleep or the query, 0 to 60",
    },
}


class SessionSleep(ServiceUser):
    """Sleeps, again and again."""

    @task
    def session_sleep(self) -> None:
        path = f"/session-sleep?sleep={self.options.sleep}&seconds={self.options.seconds:g}"
        self.call("session_sleep", "GET", path, status=204, expect=b"")
