"""Answers nothing for 3 s, from shortly before the window ends: what waits then is answered outside of it."""

import asyncio

from tests.hostile.logged import USUAL_S, Asked, LoadClock, Logged

PAUSE_S = (6.6, 9.6)  # of the load: the window of the test's plan is from about 2 s to 7 s
load = LoadClock()


async def answer(asked: Asked) -> None:
    """Those that are being answered wait, too."""
    load.arrived(asked)
    await asyncio.sleep(USUAL_S)
    first_s, last_s = PAUSE_S
    now_s = load.seconds()
    if first_s <= now_s < last_s:
        await asyncio.sleep(last_s - now_s)
    await asked.reply()


app = Logged(answer)
