"""How long a request without a database takes beside a load: `GET /ping`, four times a second, whatever the answers.

None waits for the answer of another one: each is a visitor who comes by and asks.
"""

import asyncio
import time

import httpx

from bench.analysis.recorded.pings import Ping
from bench.measure.watch.poller import Poller

EVERY_S = 0.25
TIMEOUT_S = 30.0
GRACE_S = 5.0


class Pinger(Poller):
    """Asks until the end of the block, and then waits GRACE_S for answers; who has none by then is answered with 0."""

    ends_in_s = GRACE_S + 1.0

    def __init__(self, url: str) -> None:
        """Prepare to ask the service at `url`."""
        super().__init__()
        self._url = f"{url}/ping"
        self.pings: list[Ping] = []

    def _ask_on(self) -> None:
        asyncio.run(self._ask_all())

    async def _ask_all(self) -> None:
        unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        asked: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, limits=unlimited) as client:
            due_ns = time.perf_counter_ns()
            while not self._ended.is_set():
                asked.add(asyncio.create_task(self._ask(client, due_ns)))
                due_ns += round(EVERY_S * 1e9)
                await asyncio.sleep(max(0.0, (due_ns - time.perf_counter_ns()) / 1e9))
            if asked:  # not where the block ended at once
                _, unanswered = await asyncio.wait(asked, timeout=GRACE_S)
                for one in unanswered:
                    one.cancel()
                await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, client: httpx.AsyncClient, due_ns: int) -> None:
        status = 0
        try:
            status = (await client.get(self._url)).status_code
        except httpx.HTTPError:
            pass
        finally:
            self.pings.append(Ping(due_ns, time.perf_counter_ns(), status))
