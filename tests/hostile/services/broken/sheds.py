"""Answers 503 in 1 ms where more than 95 are in flight: fast, and no work."""

import asyncio

from tests.hostile.logged import USUAL_S, WRONG, Asked, Logged

MOST = 95
in_flight = set[Asked]()


async def answer(asked: Asked) -> None:
    """Refuse the 96th."""
    if len(in_flight) == MOST:
        await asyncio.sleep(0.001)
        return await asked.reply(b'{"detail":"busy"}', 503, WRONG)
    in_flight.add(asked)
    try:
        await asyncio.sleep(USUAL_S)
        return await asked.reply()
    finally:
        in_flight.remove(asked)


app = Logged(answer)
