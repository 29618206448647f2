"""The arrivals of the open and the batch model: their schedule, and the users that send them.

An arrival without a free user waits for one, and its latency counts from the time when it was due. vegeta and wrk2 do
the same. Otherwise a stall of the service would hide itself (coordinated omission).
"""

import random
from collections.abc import Iterator
from itertools import count, islice
from time import perf_counter_ns

import gevent
from gevent.queue import Empty, SimpleQueue

SPACINGS = ("uniform", "poisson")


def offsets_ns(rate_rps: float, spacing: str, chance: random.Random, phase: float = 0.0) -> Iterator[int]:
    """Nanoseconds from the start to each arrival, as an endless series.

    `uniform`: one every 1/rate seconds, the first after `phase` of one. `poisson`: independent, exponentially
    distributed gaps of mean 1/rate.
    """
    if spacing == "uniform":
        for number in count():
            yield round((number + phase) / rate_rps * 1e9)
    due_s = 0.0
    while True:
        due_s += chance.expovariate(rate_rps)
        yield round(due_s * 1e9)


def batch_ns(arrivals: int, rate_rps: float, spacing: str, chance: random.Random, phase: float = 0.0) -> Iterator[int]:
    """This many arrivals: all at once if `rate_rps` is 0, otherwise at that rate."""
    return islice(offsets_ns(rate_rps, spacing, chance, phase) if rate_rps else iter(int, 1), arrivals)


class Arrivals:
    """Gives each arrival to one waiting user when it is due."""

    def __init__(self) -> None:
        self._due: SimpleQueue[int] = SimpleQueue()
        self._dispatcher: gevent.Greenlet | None = None

    def follow(self, schedule: Iterator[int]) -> None:
        """Begin now. `schedule` gives the times from now, ascending, in ns. More calls do nothing."""
        if self._dispatcher is None:
            self._dispatcher = gevent.spawn(self._dispatch, schedule, perf_counter_ns())

    def take(self) -> int:
        """Wait for an arrival that no other user has taken. Returns when it was due (ns, monotonic)."""
        due_ns: int = self._due.get()
        return due_ns

    def waiting(self) -> tuple[int, int]:
        """How many arrivals no user has taken yet, and when the oldest was due (0: there is none)."""
        count = self._due.qsize()
        return count, self._due.peek_nowait() if count else 0

    def close(self) -> list[int]:
        """End the arrivals. Returns when the arrivals without a free user were due."""
        if self._dispatcher is not None:
            self._dispatcher.kill(block=False)
        missed = []
        while True:
            try:
                missed.append(self._due.get_nowait())
            except Empty:
                return missed

    def _dispatch(self, schedule: Iterator[int], start_ns: int) -> None:
        for offset_ns in schedule:
            due_ns = start_ns + offset_ns
            while (wait_ns := due_ns - perf_counter_ns()) > 0:
                gevent.sleep(wait_ns / 1e9)
            self._due.put(due_ns)
