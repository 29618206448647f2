"""Measures how long a request without a database takes during a load: `GET /ping`, four times a second.

Requests do not wait for each other's answers.
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
    """Sends until the end of the block, and then waits GRACE_S for answers. A missing answer has status 0."""

    ends_in_s = GRACE_S + 1.0

    def __init__(self, url: str) -> None:
        """Prepare to ping the service at `url`."""
        super().__init__()
        self._url = f"{url}/ping"
        self.pings: list[Ping] = []

    def _poll(self) -> None:
        asyncio.run(self._ping_until_ended())

    async def _ping_until_ended(self) -> None:
        unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        sent: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, limits=unlimited) as client:
            due_ns = time.perf_counter_ns()
            while not self._ended.is_set():
                sent.add(asyncio.create_task(self._ping(client, due_ns)))
                due_ns += round(EVERY_S * 1e9)
                await asyncio.sleep(max(0.0, (due_ns - time.perf_counter_ns()) / 1e9))
            if sent:  # not where the block ended at once
                _, unanswered = await asyncio.wait(sent, timeout=GRACE_S)
                for one in unanswered:
                    one.cancel()
                await asyncio.gather(*sent, return_exceptions=True)

    async def _ping(self, client: httpx.AsyncClient, due_ns: int) -> None:
        status = 0
        try:
            status = (await client.get(self._url)).status_code
        except httpx.HTTPError:
            pass
        finally:
            self.pings.append(Ping(due_ns, time.perf_counter_ns(), status))
