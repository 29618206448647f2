"""Fills Locust's statistics from samples.

In runs that bench starts, the samples are the record, and Locust's figures are a second view of them. They are counted
in bulk, which avoids Locust's `request` event: it costs several microseconds for every request.
"""

import numpy as np
import numpy.typing as npt
from locust.stats import RequestStats, StatsEntry

from locustfiles import _clock
from locustfiles._samples import Chunk
from suite.records import MISSED, RECORD

Records = npt.NDArray[np.void]


def count(into: RequestStats, chunk: Chunk) -> None:
    """Add a chunk of samples of this process, without arrivals that were never sent."""
    records = np.frombuffer(chunk.packed, RECORD)
    now = _clock.reading()
    wall_ns = now["wall_ns"] - now["monotonic_ns"]
    for number, (operation, method) in enumerate(zip(chunk.operations, chunk.methods, strict=True)):
        mine = records[records["operation"] == number]
        if not len(mine) or chunk.errors[mine["error"][0]] == MISSED:
            continue
        _add(mine, wall_ns, into.total, into.get(operation, method))
        for error in mine["error"][mine["error"] > 0].tolist():
            into.log_error(method, operation, chunk.errors[error])


def _add(records: Records, wall_ns: int, *entries: StatsEntry) -> None:
    end_ns = records["start_ns"] + records["service_time_ns"]
    times_ms = (end_ns - records["intended_ns"]) / 1e6
    histogram = _counted(rounded_ms(times_ms))
    seconds = _counted((end_ns + wall_ns) // 1_000_000_000)
    shortest_ms, longest_ms, total_ms = times_ms.min().item(), times_ms.max().item(), times_ms.sum().item()
    size = records["body_bytes"].sum(dtype=np.int64).item()
    for entry in entries:
        entry.num_requests += len(records)
        entry.last_request_timestamp = (end_ns[-1].item() + wall_ns) / 1e9
        entry.total_response_time += total_ms
        entry.min_response_time = min(shortest_ms, entry.min_response_time or longest_ms)
        entry.max_response_time = max(longest_ms, entry.max_response_time)
        entry.total_content_length += size
        for second, requests in seconds:
            entry.num_reqs_per_sec[second] += requests
        for time_ms, requests in histogram:
            entry.response_times[time_ms] += requests


def rounded_ms(times_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Round as Locust's `bucket_response_time`: to whole milliseconds, and from 100 ms to about two digits."""
    step = np.select([times_ms < 100, times_ms < 1_000, times_ms < 10_000], [1, 10, 100], 1_000)
    whole: npt.NDArray[np.int64] = (np.rint(times_ms / step) * step).astype(np.int64)
    return whole


def _counted(values: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    found, times = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), times.tolist(), strict=True))
