"""Runs one hostile service: `python -m tests.hostile.serve late.slow_tail PORT`. Its log goes to $HOSTILE_LOG."""

import importlib
import os
import signal
import socket
import sys

import uvicorn

from bench.plan.placement import available_cpus, place
from tests.hostile.logged import Logged


def serve(app: Logged, listener: socket.socket) -> None:
    """Until it is stopped. Requests that hang are not waited for."""
    config = uvicorn.Config(
        app, access_log=False, log_level="critical", loop="uvloop", http="httptools",
        timeout_graceful_shutdown=1, timeout_keep_alive=75, backlog=2048,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


def supervise(app: Logged, listener: socket.socket) -> None:
    """Start the service's process again whenever it ends. The socket stays open, as gunicorn's does."""
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        os.kill(child, signal.SIGTERM)

    while not stopped:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            serve(app, listener)
            os._exit(0)
        signal.signal(signal.SIGTERM, stop)
        os.waitpid(child, 0)


def main(module: str, port: str) -> None:
    """Serve the application of a module of tests/hostile/services."""
    if placed := place(available_cpus(), workers=1).service:  # where the suite puts its own services
        os.sched_setaffinity(0, placed)
    app = importlib.import_module(f"tests.hostile.services.{module}").app
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=2048)
    (supervise if app.lives_s is not None else serve)(app, listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
