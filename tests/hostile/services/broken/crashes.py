"""Its process ends 5 s after its first request, with all that was being answered, and is started again."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged

LIVES_S = 5.0


async def answer(asked: Asked) -> None:
    """As usual, while it lives."""
    await asyncio.sleep(USUAL_S)
    await asked.reply()


app = Logged(answer, lives_s=LIVES_S)
