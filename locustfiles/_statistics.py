"""Locust's own statistics, counted from samples.

In runs that bench starts the samples are the record, and Locust's figures a second view of them. Counted in bulk,
they spare every request Locust's `request` event, which costs several microseconds.
"""

from collections import Counter

import numpy as np
import numpy.typing as npt
from locust import stats
from locust.stats import RequestStats, StatsEntry

from bench.records import MISSED, RECORD
from locustfiles import _clock
from locustfiles._samples import Chunk

Records = npt.NDArray[np.void]


def count(into: RequestStats, chunk: Chunk) -> None:
    """Add a chunk of this process's samples, without arrivals that were never sent."""
    records = np.frombuffer(chunk.packed, RECORD)
    now = _clock.reading()
    wall_ns = now["wall_ns"] - now["monotonic_ns"]
    for number, (operation, method) in enumerate(zip(chunk.operations, chunk.methods, strict=True)):
        mine = records[records["operation"] == number]
        if not len(mine) or chunk.errors[mine["error"][0]] == MISSED:
            continue
        _add(mine, wall_ns, into.total, into.get(operation, method))
        for error, times in Counter(mine["error"].tolist()).items():
            for _ in range(times if error else 0):
                into.log_error(method, operation, chunk.errors[error])


def _add(records: Records, wall_ns: int, *entries: StatsEntry) -> None:
    end_ns = records["start_ns"] + records["service_time_ns"]
    times_ms = (end_ns - records["intended_ns"]) / 1e6
    ended_s = (end_ns + wall_ns) / 1e9
    rounded = Counter(map(stats.bucket_response_time, times_ms.tolist()))  # not imported: users may replace it
    seconds = Counter(ended_s.astype(np.int64).tolist())
    for entry in entries:
        entry.num_requests += len(records)
        entry.last_request_timestamp = float(ended_s[-1])
        # Locust declares whole numbers and keeps fractions, when it counts by itself too.
        entry.total_response_time += float(times_ms.sum())  # type: ignore[assignment]
        shortest_ms = entry.min_response_time
        entry.min_response_time = min(times_ms.min().item(), float("inf") if shortest_ms is None else shortest_ms)
        entry.max_response_time = max(times_ms.max().item(), entry.max_response_time)
        entry.total_content_length += int(records["body_bytes"].sum())
        for second, requests in seconds.items():
            entry.num_reqs_per_sec[second] += requests
        for rounded_ms, requests in rounded.items():
            entry.response_times[rounded_ms] += requests
