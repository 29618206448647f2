"""Answers that take seconds to send, beside plain reads: whose connections are held meanwhile, and who waits."""

from locust import task

from locustfiles._bodies import user_json
from locustfiles._user import PAGE, ServiceUser

OPERATIONS = ("read_user", "stream_request", "stream_function", "stream_early", "stream_own")
PARAMETERS = {
    "session": {
        "type": "str",
        "choices": ["request", "function", "early", "own"],
        "default": "request",
        "help": "stream: the session is the request's, the function's, the request's but committed early, or its own",
    },
    "stream_share": {
        "type": "float",
        "default": 0.1,
        "low": 0,
        "high": 1,
        "help": "stream: which share of the requests are streams, the others read a user: 0 to 1",
    },
    "first_byte_s": {
        "type": "float",
        "default": 1.0,
        "low": 0,
        "high": 60,
        "help": "stream: seconds before the first byte, in which the endpoint waits: 0 to 60",
    },
    "stream_s": {
        "type": "float",
        "default": 1.0,
        "low": 0,
        "high": 60,
        "help": "stream: seconds from the first byte to the last: 0 to 60",
    },
}


class Stream(ServiceUser):
    """Reads a user, or a stream of ten users, each time different ones."""

    @task
    def stream_or_read(self) -> None:
        if self.random.random() >= self.options.stream_share:
            self.read_any_user()
            return
        offset = int(self.random.random() * (self.options.dataset_users - PAGE + 1))
        times = f"first_byte_s={self.options.first_byte_s:g}&stream_s={self.options.stream_s:g}"
        path = f"/streams/{self.options.session}?offset={offset}&limit={PAGE}&{times}"
        lines = b"".join(user_json(user_id) + b"\n" for user_id in range(offset + 1, offset + PAGE + 1))
        self.call(f"stream_{self.options.session}", "GET", path, expect=lines)
