"""1% of bodies end too early. Their length is declared as it is, so HTTP sees nothing wrong."""

import asyncio

from tests.hostile.logged import USUAL_S, WRONG, Asked, Logged, right_body


async def answer(asked: Asked) -> None:
    """One in a hundred."""
    await asyncio.sleep(USUAL_S)
    if asked.number % 100:
        return await asked.reply()
    whole = right_body(asked.path, asked.query, Logged.users) or b""
    return await asked.reply(whole[: len(whole) // 2], 200, WRONG)


app = Logged(answer)
