"""Answers 503 in 1 ms where more than 95 are in flight: fast, and no work."""

import asyncio

from tests.hostile.logged import USUAL_S, WRONG, Asked, Logged

MOST = 95
in_flight = 0


async def answer(asked: Asked) -> None:
    """Refuse the 96th."""
    global in_flight
    in_flight += 1
    try:
        if in_flight > MOST:
            await asyncio.sleep(0.001)
            return await asked.reply(b'{"detail":"busy"}', 503, WRONG)
        await asyncio.sleep(USUAL_S)
        return await asked.reply()
    finally:
        in_flight -= 1


app = Logged(answer)
