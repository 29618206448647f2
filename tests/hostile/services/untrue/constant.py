"""Every user is user 1."""

from tests.hostile.logged import WRONG, Asked, Logged, user_json


async def answer(asked: Asked) -> None:
    """At once."""
    await asked.reply(user_json(1), 200, WRONG)


app = Logged(answer)
