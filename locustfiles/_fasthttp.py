"""Locust's FastHttpUser client with the interface of the lean client, for comparison: `--client fasthttp`.

It loses keep-alive if the process has file descriptors of 1024 or more, because geventhttpclient waits with `select`.
1000 users in one process just fit.
"""

from time import perf_counter_ns

from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from locustfiles._http import Answer

JSON = {"Content-Type": "application/json"}


class FastHttpClient:
    """One user's FastHttpSession. Its own events are not used: `ServiceUser.call` checks and reports."""

    def __init__(self, base_url: str, *, timeout_s: float = 60.0, trusted: str = "") -> None:  # noqa: ARG002  # see below
        """Prepare. It connects on first use. It verifies no certificate, as in Locust, so it needs none to trust."""
        self._session = FastHttpSession(
            base_url, EventHook(), None, concurrency=1, connection_timeout=timeout_s, network_timeout=timeout_s
        )
        self.reconnects = 0

    def connect(self) -> None:
        """Do nothing: this client connects with its first request."""

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request and wait for the complete answer."""
        data, headers = (body.decode(), JSON) if body else (None, None)
        start_ns = perf_counter_ns()
        response = self._session.request(method, path, data=data, headers=headers)
        content = response.content or b""
        end_ns = perf_counter_ns()
        error = getattr(response, "error", None)
        return Answer(
            response.status_code or 0, content, start_ns, end_ns, f"{type(error).__name__}: {error}" if error else ""
        )

    def close(self) -> None:
        """Close the connection."""
        self._session.client.close()
