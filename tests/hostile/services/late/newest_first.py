"""Serves one request at a time, 1 ms each, the newest first: a few users are served at once, the others never."""

import asyncio

from tests.hostile.logged import Asked, Logged

EACH_S = 0.001
waiting: list[asyncio.Event] = []
serving: asyncio.Task[None] | None = None


async def answer(asked: Asked) -> None:
    """When everything newer has been served."""
    global serving
    served = asyncio.Event()
    waiting.append(served)
    if serving is None or serving.done():
        serving = asyncio.create_task(serve())
    await served.wait()
    await asked.reply()


async def serve() -> None:
    """Until nothing waits."""
    while waiting:
        newest = waiting.pop()
        await asyncio.sleep(EACH_S)
        newest.set()


app = Logged(answer)
