"""How long a request without a database takes beside a load: `GET /ping`, four times a second, whatever the answers.

Each counts from when it was due: one that had to wait for its predecessor's answer waited for the service.
"""

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
    """Asks until the end of the block, over one connection of its own."""

    def __init__(self, url: str) -> None:
        """Prepare to ask the service at `url`."""
        super().__init__()
        self._url = f"{url}/ping"
        self.pings: list[Ping] = []

    def _ask_on(self) -> None:
        due_ns = time.perf_counter_ns()
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            while not self._ended.wait(max(0.0, (due_ns - time.perf_counter_ns()) / 1e9)):
                try:
                    status = client.get(self._url).status_code
                except httpx.HTTPError:
                    status = 0
                self.pings.append(Ping(due_ns, time.perf_counter_ns(), status))
                due_ns += round(EVERY_S * 1e9)


def inside(pings: Sequence[Ping], window: Window) -> list[float]:
    """Latencies (ms, ascending) of the pings that were due in the window and were answered."""
    due = [one for one in pings if window.start_ns <= one.due_ns < window.end_ns and one.status == httpx.codes.OK]
    return sorted(one.latency_ms for one in due)


def ping_csv(pings: Sequence[Ping], window: Window) -> str:
    """All of them as CSV, in seconds from the window's start."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in pings:
        writer.writerow((f"{(one.due_ns - window.start_ns) / 1e9:.3f}", f"{one.latency_ms:.3f}", one.status))
    return text.getvalue()
