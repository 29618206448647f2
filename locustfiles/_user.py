"""The simulated user that every scenario builds on: one connection, every answer checked, every request a sample."""

import json
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import lru_cache
from typing import Any

import gevent
from locust import User
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING

import locustfiles._files  # raises the limit of open files
import locustfiles._web
import locustfiles._window  # noqa: F401  # listens for the test's beginning and end
from db import dataset
from locustfiles import _options
from locustfiles._connection import HttpError
from locustfiles._fasthttp import FastHttpClient
from locustfiles._http import Client
from locustfiles._pacing import PACING
from locustfiles._samples import RECORDER
from locustfiles._targets import HOST_OF_SERVICE, SHARES, worker_index
from suite.arrival import Arrival

PAGE = 10
Expected = bytes | dict[str, Any] | Callable[[dict[str, Any]], str] | None
PAUSE_AFTER_NO_ANSWER_S = 0.2


class ServiceUser(User):
    """A user of one service, who sends the next request when the last one ended, or when the next arrival is due."""

    abstract = True
    host = HOST_OF_SERVICE

    _born = 0

    def __init_subclass__(cls, **more: Any) -> None:
        """Make options of the PARAMETERS in the scenario's file, above the class."""
        super().__init_subclass__(**more)
        module = sys.modules.get(cls.__module__)
        _options.declare(getattr(module, "PARAMETERS", {}), f"{cls.__module__}.py")

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.options = environment.parsed_options
        client = Client if self.options.client == "lean" else FastHttpClient
        self.target = SHARES.join(environment, type(self))
        self.client = client(self.target.url, timeout_s=self.options.timeout_s)
        ServiceUser._born += 1
        # Seeded one by one: the same users make the same choices in every run with the same seed.
        born = f"{worker_index(environment)}/{ServiceUser._born}"
        self.random = random.Random(f"{self.options.load_seed}/{born}")  # noqa: S311  # no secret
        self.recording = bool(self.options.samples)
        self.intended_ns = 0  # when the next request was due; 0: whenever it is sent

    def on_start(self) -> None:
        """Connect, and wait for the first arrival. Scenarios that override this call it last."""
        self._state = LOCUST_STATE_WAITING  # as in Locust's own wait: who waits can be stopped at once
        if self.recording:
            with suppress(HttpError):  # the first request will say so
                self.client.connect()
            PACING.wait_for_all()
            if self.options.arrival == Arrival.CLOSED:
                # Else all send in step for as long as the service is fast enough.
                gevent.sleep(self.random.random() * min(self.options.start_over_s, self.options.warm_up_s))
        self.intended_ns = PACING.take(self.target.name)
        self._state = LOCUST_STATE_RUNNING

    def wait_time(self) -> float:
        """Locust calls it between requests: wait here for the next arrival.

        Locust then sleeps for 0 s, which lets users whose answers are there already read them before this one sends.
        """
        self.intended_ns = PACING.take(self.target.name)
        return 0.0

    def on_stop(self) -> None:
        """Leave no connection behind."""
        SHARES.leave(type(self), self.target)
        self.client.close()

    def any_user_id(self) -> int:
        """The id of some user of the dataset."""
        return int(self.random.random() * self.options.dataset_users) + 1

    def read_any_user(self) -> None:
        """Read some user of the dataset."""
        user_id = self.any_user_id()
        self.call("read_user", "GET", f"/users/{user_id}", expect=user_json(user_id))

    def any_note_id(self) -> int:
        """The id of some note of the dataset, which has a tenth as many as users."""
        return int(self.random.random() * (self.options.dataset_users // 10)) + 1

    def list_any_page(self) -> None:
        """Read ten users from somewhere in the dataset."""
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

        It is a row of the statistics by its `operation`, with the service's name before it where there are several.
        `expect` is the exact body, the members that the answered object must have, or what says of such an object what
        is wrong with it. Returns what was answered, parsed unless `expect` is a body, or None after a failure.
        """
        answer = self.client.request(method, path, None if body is None else json.dumps(body).encode())
        intended_ns = answer.start_ns
        if self.intended_ns:
            intended_ns, self.intended_ns = self.intended_ns, 0
            PACING.answered()
        content, problem = None, answer.error
        if not problem:
            content, problem = _check(answer.status, answer.body, status, expect)
        name = f"{self.target.name} {operation}" if self.target.name else operation
        if self.recording:  # Locust's statistics are then counted from the samples, see _statistics.py
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
            gevent.sleep(PAUSE_AFTER_NO_ANSWER_S)  # or users of a service that is down would only burn CPU
        return content


class BadAnswerError(Exception):
    """What was wrong with an answer, as Locust's failure statistics name it."""

    def __repr__(self) -> str:
        return str(self)


def _check(status: int, content: bytes, expected: int, expect: Expected) -> tuple[Any, str]:
    """Return what was answered and what is wrong with it (nothing: an empty string)."""
    if status != expected:
        return None, f"status {status} instead of {expected}"
    if expect is None or content == expect:
        return content, ""
    try:
        answer = json.loads(content)
    except ValueError:
        return None, "body is not JSON"
    if isinstance(expect, bytes):
        # The same JSON written in another way is the same answer.
        return (content, "") if answer == json.loads(expect) else (None, "wrong body")
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


@lru_cache(maxsize=200_000)
def user_json(user_id: int) -> bytes:
    """How every service writes this user of the dataset."""
    user = dataset.user(user_id)
    created_at = user.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'{{"id":{user.id},"name":"{user.name}","email":"{user.email}","created_at":"{created_at}"}}'.encode()


def users_json(user_ids: list[int] | range) -> bytes:
    """How every service writes a list of these users of the dataset."""
    return b"[" + b",".join(map(user_json, user_ids)) + b"]"
