"""The ASGI application of a traced service: it wraps the service's own, and records its requests and pools.

TRACED_APPLICATION names the service's application (`services.asyncpg_async.app:app`), TRACED_POOL its pool, TRACE_FILE
the file for events.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from bench.tracing import APPLICATION, FILE, POOL, pools
from bench.tracing.events import EventRecorder

Message = MutableMapping[str, Any]  # a connection's scope has the same type
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Traced:
    """An application that numbers and records the requests of another one."""

    def __init__(self, application: Application, recorder: EventRecorder) -> None:
        self._application, self._recorder = application, recorder
        self._numbers = count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on unchanged."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        number, recorder = next(self._numbers), self._recorder
        status = ""

        async def answer(message: Message) -> None:
            nonlocal status
            status = str(message.get("status", status))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                recorder.note(
                    number, "responded", detail=status
                )  # noted first: the client may have the answer before `send` ends
            await send(message)

        with recorder.request(number):
            recorder.note(number, "received", detail=f"{scope['method']} {scope['path']}")
            try:
                await self._application(scope, receive, answer)
            finally:
                recorder.note(number, "ended")


_module, _, _name = os.environ[APPLICATION].partition(":")
_service = getattr(import_module(_module), _name)
_recorder = EventRecorder(Path(os.environ[FILE]))
pools.watch(_recorder, os.environ.get(POOL, ""))
app = Traced(_service, _recorder)
