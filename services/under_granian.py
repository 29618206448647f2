"""Starts granian with a service: python -m services.under_granian services.asyncpg_async.app:app --port 8002.

Its command line closes an idle connection after a minute at most. Its Python interface has no such limit.
"""

from argparse import ArgumentParser

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

KEEP_ALIVE_S = 75
NO_LIMIT = 1_000_000
"""Of open connections. By default it is the backlog, shared among the workers, and further clients get no answer."""


def main() -> None:
    """Serve until SIGTERM."""
    parser = ArgumentParser(prog="python -m services.under_granian", description=__doc__)
    parser.add_argument("application", help="as in services.asyncpg_async.app:app")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    given = parser.parse_args()
    Granian(
        given.application,
        given.host,
        given.port,
        interface=Interfaces.ASGI,
        workers=given.workers,
        loop=Loops(given.loop),
        http=HTTPModes.http1,
        websockets=False,
        # These two are its defaults: one thread that speaks HTTP, in a runtime of its own beside Python's thread.
        runtime_threads=1,
        runtime_mode=RuntimeModes.mt,
        backlog=2048,
        backpressure=NO_LIMIT,
        # The time for a request's headers, which begins when the last answer has ended. So idle connections have it.
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
        log_level=LogLevels.warning,
        log_access=False,
        workers_kill_timeout=2,
    ).serve()


if __name__ == "__main__":
    main()
