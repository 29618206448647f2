"""300 ms for one in fifty ids: nothing is wrong with such a service, and its p99 is 300 ms."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, Logged

SLOW_S = 0.3


async def answer(asked: Asked) -> None:
    """The share is 2%, so that the p99 does not lie where the slow ones begin."""
    await asyncio.sleep(USUAL_S if asked.user_id % 50 else SLOW_S)
    await asked.reply()


app = Logged(answer)
