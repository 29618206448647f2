"""20 requests/s in the order of their arrival: with 100 users an answer takes 5 s, over twice the warm-up."""

from tests.hostile.logged import Asked, Logged, Queue

queue = Queue(20.0)


async def answer(asked: Asked) -> None:
    """In turn."""
    await queue.wait()
    await asked.reply()


app = Logged(answer)
