"""The worker class of every service under gunicorn's own ASGI worker."""

from functools import partial

from gunicorn.workers.gasgi import ASGIWorker


class Worker(ASGIWorker):  # type: ignore[misc]  # gunicorn publishes no type information
    """gunicorn's own worker with the backlog of its --backlog, as other servers have theirs.

    It leaves that to the event loop, which listens again with a backlog of 100: of more clients that connect at once,
    some would wait a second for their next try.
    """

    def run(self) -> None:
        """Serve until the end."""
        self.loop.create_server = partial(self.loop.create_server, backlog=self.cfg.backlog)
        super().run()
