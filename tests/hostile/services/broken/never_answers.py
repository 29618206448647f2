"""1.6% of requests are never answered."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged


async def answer(asked: Asked) -> None:
    """One in 62."""
    await asyncio.sleep(USUAL_S if asked.number % 62 else float("1e6"))
    await asked.reply()


app = Logged(answer)
