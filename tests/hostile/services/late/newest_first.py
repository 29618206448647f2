"""Serves one request at a time, 1 ms each, the newest first: a few users are served at once, the others never."""

import asyncio

from tests.hostile.logged import Asked, Logged

EACH_S = 0.001
waiting: list[asyncio.Event] = []
serving: list[asyncio.Task[None]] = []


async def answer(asked: Asked) -> None:
    """When everything newer has been served."""
    served = asyncio.Event()
    waiting.append(served)
    if not serving or serving[-1].done():
        serving[:] = [asyncio.create_task(serve())]
    await served.wait()
    await asked.reply()


async def serve() -> None:
    """Until nothing waits."""
    while waiting:
        newest = waiting.pop()
        await asyncio.sleep(EACH_S)
        newest.set()


app = Logged(answer)
