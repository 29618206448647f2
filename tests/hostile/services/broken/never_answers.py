"""1.6% of requests are never answered, and neither is every eighth ping."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged


async def answer(asked: Asked) -> None:
    """One in 62."""
    await asyncio.sleep(USUAL_S if asked.number % 62 else float("1e6"))
    await asked.reply()


async def ping(asked: Asked) -> None:
    """One in eight."""
    await asyncio.sleep(0 if asked.number % 8 else float("1e6"))
    await asked.reply()


app = Logged(answer, ping=ping)
