"""Closes the connection after every 100th answer, without `Connection: close`: HTTP allows it, and nothing is lost."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged


async def answer(asked: Asked) -> None:
    """Answered in full, then closed."""
    await asyncio.sleep(USUAL_S)
    await asked.reply()
    if asked.number % 100 == 0:
        await asked.cut()


app = Logged(answer)
