"""The simulated user of every scenario: it has one connection, checks every answer, records every request."""

import json
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter_ns
from typing import Any

import gevent
from locust import User
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING

import locustfiles._files  # raises the limit of open files
import locustfiles._web
import locustfiles._window  # noqa: F401  # listens for the test's beginning and end
from locustfiles import _options
from locustfiles._bodies import user_json, users_json
from locustfiles._connection import HttpError
from locustfiles._fasthttp import FastHttpClient
from locustfiles._http import Client
from locustfiles._ledger import LEDGER
from locustfiles._pacing import PACING
from locustfiles._reachable import SERVICE
from locustfiles._samples import RECORDER
from locustfiles._targets import HOST_OF_SERVICE, SHARES, worker_index
from locustfiles._trust import trusted
from suite.arrival import Arrival
from suite.records import MISSED, NO_ANSWER_PAUSE_S, UNFINISHED

PAGE = 10
Expected = bytes | dict[str, Any] | Callable[[dict[str, Any]], str] | None


class ServiceUser(User):
    """A user of one service. It sends the next request when the last one has ended, or when an arrival is due."""

    abstract = True
    host = HOST_OF_SERVICE

    _created = 0

    def __init_subclass__(cls, **more: Any) -> None:
        """Register the PARAMETERS of the scenario's file as options. They must be defined above the class."""
        super().__init_subclass__(**more)
        module = sys.modules.get(cls.__module__)
        _options.declare(getattr(module, "PARAMETERS", {}), f"{cls.__module__}.py")

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.options = environment.parsed_options
        client = Client if self.options.client == "lean" else FastHttpClient
        self.target = SHARES.join(environment, type(self))
        self.client = client(self.target.url, timeout_s=self.options.timeout_s, trusted=trusted(self.options))
        ServiceUser._created += 1
        # Each user has its own seed: the same users make the same choices in every run with the same seed.
        identity = f"{worker_index(environment)}/{ServiceUser._created}"
        self.random = random.Random(f"{self.options.load_seed}/{identity}")  # noqa: S311  # no secret
        self.recording = bool(self.options.samples)
        self.intended_ns = 0  # when the next request was due; 0: when it is sent
        self.began_ns = 0  # when the present request was due or sent; 0: there is none
        LEDGER.join(self)

    def on_start(self) -> None:
        """Connect, and wait for the first arrival. Scenarios that override this call it last."""
        self._state = LOCUST_STATE_WAITING  # as in Locust's own wait: a waiting user can be stopped at once
        if self.recording:
            if self.options.turns:
                SERVICE.wait(self.target.url)
            with suppress(HttpError):  # the first request reports it
                self.client.connect()
            PACING.wait_for_all()
            if self.options.arrival == Arrival.CLOSED:
                # Users who begin together are served together, in waves, for as long as the queue keeps their order.
                spread_s = min(self.options.start_over_s, self.options.warm_up_s)
                PACING.wait_to_begin(self.random.random() * spread_s, self.options.warm_up_most_s / 2)
        self._take()
        self._state = LOCUST_STATE_RUNNING

    def wait_time(self) -> float:
        """Wait for the next arrival. Locust calls this between requests.

        Locust then sleeps for 0 s, so users whose answers have arrived can read them before this user sends.
        """
        self._take()
        return 0.0

    def _take(self) -> None:
        self.intended_ns = self.began_ns = PACING.take(self.target.name)

    def on_stop(self) -> None:
        """Close the connection. An arrival that this user had taken and not sent is missed."""
        LEDGER.leave(self)
        if self.recording and self.intended_ns:
            RECORDER.add("", "", self.intended_ns, self.intended_ns, self.intended_ns, 0, 0, MISSED)
        SHARES.leave(type(self), self.target)
        self.client.close()

    def any_user_id(self) -> int:
        """The id of a random user of the dataset."""
        return int(self.random.random() * self.options.dataset_users) + 1

    def read_any_user(self) -> None:
        """Read a random user of the dataset."""
        user_id = self.any_user_id()
        self.call("read_user", "GET", f"/users/{user_id}", expect=user_json(user_id))

    def any_note_id(self) -> int:
        """The id of a random note of the dataset, which has one note for ten users."""
        return int(self.random.random() * (self.options.dataset_users // 10)) + 1

    def list_any_page(self) -> None:
        """Read ten users at a random offset in the dataset."""
        offset = int(self.random.random() * (self.options.dataset_users - PAGE + 1))
        expect = users_json(range(offset + 1, offset + PAGE + 1))
        self.call("list_users", "GET", f"/users?offset={offset}&limit={PAGE}", expect=expect)

    def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        status: int = 200,
        expect: Expected = None,
    ) -> Any:
        """Send one request, check its answer and record it.

        Its row in the statistics is named after `operation`, with the service's name before it if there are several.
        `expect` is the exact body, or the members that the returned object must have, or a function that returns what
        is wrong with the object. Returns the answer, parsed unless `expect` is a body, or None after a failure.
        """
        name = f"{self.target.name} {operation}" if self.target.name else operation
        LEDGER.begun += 1
        due_ns, self.intended_ns = self.intended_ns, 0
        sent_ns = perf_counter_ns()
        self.began_ns = due_ns or sent_ns
        try:
            answer = self.client.request(method, path, None if body is None else json.dumps(body).encode())
        except BaseException:  # this user is being stopped
            if self.recording:
                RECORDER.add(name, method, self.began_ns, sent_ns, perf_counter_ns(), 0, 0, UNFINISHED)
            raise
        finally:
            self.began_ns = 0
        LEDGER.ended += 1
        PACING.ended(due=bool(due_ns))
        intended_ns = due_ns or answer.start_ns
        content, problem = None, answer.error
        if not problem:
            content, problem = _check(answer.status, answer.body, status, expect)
        if self.recording:  # Locust's statistics are counted from the samples, see _statistics.py
            RECORDER.add(
                name, method, intended_ns, answer.start_ns, answer.end_ns, len(answer.body), answer.status, problem
            )
        else:
            self.environment.events.request.fire(
                request_type=method,
                name=name,
                response_time=(answer.end_ns - intended_ns) / 1e6,
                response_length=len(answer.body),
                exception=BadAnswerError(problem) if problem else None,
                context={},
            )
        if not answer.status:
            gevent.sleep(NO_ANSWER_PAUSE_S)  # otherwise users of a service that has ended would only use CPU time
        return content


class BadAnswerError(Exception):
    """A wrong answer. Its text is the name in Locust's failure statistics."""

    def __repr__(self) -> str:
        return str(self)


def _check(status: int, content: bytes, expected: int, expect: Expected) -> tuple[Any, str]:
    """Return the answer, and what is wrong with it (empty if nothing is)."""
    if status != expected:
        return None, f"status {status} instead of {expected}"
    if expect is None or content == expect:
        return content, ""
    try:
        answer = json.loads(content)
    except ValueError:
        return None, "body is not JSON"
    if isinstance(expect, bytes):
        # The same JSON in another notation is the same answer.
        return (content, "") if expect and answer == json.loads(expect) else (None, "wrong body")
    wrong = _wrong(answer, expect)
    return (None, wrong) if wrong else (answer, "")


def _wrong(answer: Any, expect: dict[str, Any] | Callable[[dict[str, Any]], str]) -> str:
    if not isinstance(answer, dict):
        return "wrong body"
    if callable(expect):
        try:
            return expect(answer)
        except (LookupError, TypeError, AttributeError):
            return "wrong body"
    wrong = [key for key, value in expect.items() if answer.get(key) != value]
    return f"wrong {', '.join(wrong)} in body" if wrong else ""
