"""What hostile services share: right answers, and a log of their own that the suite cannot influence.

A service is an ASGI application. Its module has `app = Logged(answer)`; `answer` decides when and how each request of
the load is answered. Times are `time.perf_counter_ns`: one clock for all processes of the machine, the load's too.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from db.data import dataset
from services.contract import point_reads
from services.contract.models import User

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

USUAL_S = 0.04
"""What an ordinary answer takes: so long that neither CPU is full, and times show what the service decides."""
LAG_EVERY_S = 0.02
RIGHT, WRONG, CUT, OPEN = "right", "wrong", "cut", "open"
"""How a request ended, for the service: the right answer, another one, its connection closed without one, not yet."""


@cache
def user_json(user_id: int) -> bytes:
    """This user of the dataset, as the contract has it."""
    return User(**dataset.user(user_id)._asdict()).model_dump_json().encode()


def right_body(path: str, query: str, users: int) -> bytes | None:
    """The contract's answer to a read of users. None where there is none."""
    fields = dict(parse_qsl(query))
    if path == "/point-reads":
        ids = point_reads.ids(int(fields["count"]), int(fields["seed"]), users)
        return b"[" + b",".join(map(user_json, ids)) + b"]"
    user_id = int(path.removeprefix("/users/")) if path.startswith("/users/") else 0
    return user_json(user_id) if 1 <= user_id <= users else None


class Asked:
    """One request, as it is answered."""

    def __init__(self, number: int, scope: Message, receive: Receive, send: Send) -> None:
        self.number = number  # from 1, with the few of the gate
        self.method = str(scope["method"])
        self.path = str(scope["path"])
        self.query = bytes(scope["query_string"]).decode()
        self.arrived_ns = time.perf_counter_ns()
        self.ended_ns = 0
        self.outcome = OPEN
        self._receive, self._send = receive, send

    @property
    def user_id(self) -> int:
        """The user that is read."""
        return int(self.path.rpartition("/")[2])

    async def reply(self, body: bytes | None = None, status: int = 200, outcome: str = RIGHT) -> None:
        """Send an answer: without a body, the contract's."""
        if body is None:
            body = right_body(self.path, self.query, Logged.users)
            status = 200 if body is not None else 404
        size = str(len(body or b"")).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", size)]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body or b""})
        self.ended_ns, self.outcome = time.perf_counter_ns(), outcome

    async def cut(self) -> None:
        """Close the connection. Without `reply` before it, the request has no answer."""
        cycle: Any = getattr(self._send, "__self__")  # noqa: B009  # uvicorn's; ASGI has no word for this
        cycle.transport.close()
        if self.outcome == OPEN:
            self.ended_ns, self.outcome = time.perf_counter_ns(), CUT
            while (await self._receive())["type"] != "http.disconnect":
                pass


class Logged:
    """The application. When it is stopped it writes its log: {"requests": [...], "lags": [...]}.

    Each request is [path, arrived_ns, ended_ns, outcome]; each lag is [at_ns, by how much a timer was late (ns)], the
    time that requests may have waited unseen because the process had no CPU.
    """

    users: ClassVar[int] = int(os.environ.get("HOSTILE_USERS", dataset.size(0.001).users))

    def __init__(
        self,
        answer: Callable[[Asked], Awaitable[None]],
        *,
        lives_s: float | None = None,
    ) -> None:
        """`lives_s`: its process ends so long after its first request, and serve.py starts another."""
        self._answer = answer
        self.lives_s = lives_s
        self._all: list[Asked] = []
        self._lags: list[tuple[int, int]] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, as ASGI wants it."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if scope["type"] != "http":
            return None
        asked = Asked(len(self._all) + 1, scope, receive, send)
        if asked.number == 1 and self.lives_s is not None:
            asyncio.get_running_loop().call_later(self.lives_s, self._crash)
        self._all.append(asked)
        return await self._answer(asked)

    async def _live(self, receive: Receive, send: Send) -> None:
        watching = asyncio.create_task(self._watch())
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        watching.cancel()
        self.write()
        await send({"type": "lifespan.shutdown.complete"})

    def write(self) -> None:
        """Write the log of this process into the folder in HOSTILE_LOG."""
        rows = [[one.path, one.arrived_ns, one.ended_ns, one.outcome] for one in self._all]
        Path(os.environ["HOSTILE_LOG"], f"{os.getpid()}.json").write_text(
            json.dumps({"requests": rows, "lags": self._lags})
        )

    async def _watch(self) -> None:
        """Read how late the event loop is, while there are requests."""
        seen = 0
        while True:
            if seen == len(self._all):
                await asyncio.sleep(LAG_EVERY_S)
            seen, before_ns = len(self._all), time.perf_counter_ns()
            await asyncio.sleep(LAG_EVERY_S)
            if seen != len(self._all):
                now_ns = time.perf_counter_ns()
                self._lags.append((now_ns, max(0, now_ns - before_ns - round(LAG_EVERY_S * 1e9))))

    def _crash(self) -> None:
        for one in self._all:
            if one.outcome == OPEN:
                one.ended_ns, one.outcome = time.perf_counter_ns(), CUT
        self.write()
        os._exit(1)


class Queue:
    """First come, first served, at a fixed rate (requests/s)."""

    def __init__(self, rate_rps: float) -> None:
        self._each_s = 1 / rate_rps
        self._free_s = 0.0

    async def wait(self) -> None:
        """Until this request has been served."""
        self._free_s = max(self._free_s, time.perf_counter()) + self._each_s
        await asyncio.sleep(self._free_s - time.perf_counter())


class LoadClock:
    """Seconds since a load began. The gate's few requests, and silence between two loads, do not count."""

    dense, within_ns, silence_ns = 50, 1_000_000_000, 4_000_000_000

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=self.dense)
        self._first_ns: int | None = None

    def arrived(self, asked: Asked) -> None:
        """Count a request. So many within a second are a load."""
        if self._last and asked.arrived_ns - self._last[-1] > self.silence_ns:
            self._last.clear()
            self._first_ns = None
        self._last.append(asked.arrived_ns)
        full = len(self._last) == self.dense and self._last[-1] - self._last[0] < self.within_ns
        if self._first_ns is None and full:
            self._first_ns = self._last[0]

    def seconds(self) -> float:
        """Of now; 0 where there is no load."""
        return 0.0 if self._first_ns is None else (time.perf_counter_ns() - self._first_ns) / 1e9
