"""Answers nothing for 2 s of every 6 s."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, LoadClock, Logged

EVERY_S, FROM_S = 6.0, 4.0
load = LoadClock()


async def answer(asked: Asked) -> None:
    """Those that are being answered wait, too."""
    load.arrived(asked)
    await asyncio.sleep(USUAL_S)
    now_s = load.seconds() % EVERY_S
    if now_s >= FROM_S:
        await asyncio.sleep(EVERY_S - now_s)
    await asked.reply()


app = Logged(answer)
