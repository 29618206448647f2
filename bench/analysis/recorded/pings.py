"""Pings beside a load, and what they say of a window."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.recorded.windows import Window

OK, NONE = 200, 0
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


def inside(pings: Sequence[Ping], window: Window) -> list[float]:
    """Latencies (ms, ascending) of the pings that were due in the window. One without an answer counts with its age.

    Answers other than 200 are left out: an error is no fast answer.
    """
    return sorted(one.latency_ms for one in _due(pings, window) if one.status in {OK, NONE})


def unanswered(pings: Sequence[Ping], window: Window) -> int:
    """How many of those that were due in the window had no answer, or another one than 200."""
    return sum(one.status != OK for one in _due(pings, window))


def _due(pings: Sequence[Ping], window: Window) -> list[Ping]:
    return [one for one in pings if window.start_ns <= one.due_ns < window.end_ns]


def ping_csv(pings: Sequence[Ping], window: Window) -> str:
    """All of them as CSV, in seconds from the window's start."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(pings, key=lambda ping: ping.due_ns):
        writer.writerow((f"{(one.due_ns - window.start_ns) / 1e9:.3f}", f"{one.latency_ms:.3f}", one.status))
    return text.getvalue()
