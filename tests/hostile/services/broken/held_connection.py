"""2% of requests are held for 0.5 s, then their connection is closed. A client sends them again and says nothing."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged

HELD_S = 0.5


async def answer(asked: Asked) -> None:
    """One in fifty."""
    if asked.number % 50 == 0:
        await asyncio.sleep(HELD_S)
        return await asked.cut()
    await asyncio.sleep(USUAL_S)
    return await asked.reply()


app = Logged(answer)
