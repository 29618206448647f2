"""How long a request without a database takes beside a load: `GET /ping`, four times a second, whatever the answers.

None waits for the answer of another one: each is somebody who comes by and asks.
"""

import asyncio
import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from bench.asking import Asking
from bench.samples import Window

EVERY_S = 0.25
TIMEOUT_S = 30.0
GRACE_S = 5.0
COLUMNS = ("at_s", "latency_ms", "status")


@dataclass(frozen=True)
class Ping:
    """One request (ns, monotonic); `status` is 0 where no answer came."""

    due_ns: int
    end_ns: int
    status: int

    @property
    def latency_ms(self) -> float:
        """From when it was due."""
        return (self.end_ns - self.due_ns) / 1e6


class Pinger(Asking):
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


def inside(pings: Sequence[Ping], window: Window) -> list[float]:
    """Latencies (ms, ascending) of the pings that were due in the window and were answered."""
    due = [one for one in pings if window.start_ns <= one.due_ns < window.end_ns and one.status == httpx.codes.OK]
    return sorted(one.latency_ms for one in due)


def ping_csv(pings: Sequence[Ping], window: Window) -> str:
    """All of them as CSV, in seconds from the window's start."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(pings, key=lambda ping: ping.due_ns):
        writer.writerow((f"{(one.due_ns - window.start_ns) / 1e9:.3f}", f"{one.latency_ms:.3f}", one.status))
    return text.getvalue()
