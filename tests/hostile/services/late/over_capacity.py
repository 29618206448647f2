"""100 requests/s in the order of their arrival, for an open load of 140/s: the queue only grows."""

from tests.hostile.logged import Asked, Logged, Queue

queue = Queue(100.0)


async def answer(asked: Asked) -> None:
    """In turn."""
    await queue.wait()
    await asked.reply()


app = Logged(answer)
