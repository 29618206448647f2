"""1.5% of requests take 6 s: longer than the warm-up, and longer than the window."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged

SLOW_S = 6.0


async def answer(asked: Asked) -> None:
    """Two of 133, so that the gate's few requests are quick."""
    await asyncio.sleep(SLOW_S if asked.number % 133 in {60, 120} else USUAL_S)
    await asked.reply()


app = Logged(answer)
