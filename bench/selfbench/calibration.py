"""Measures how well this machine can generate load: before a run, or when its numbers look odd."""

import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.plan import placement
from bench.selfbench import watched
from bench.selfbench.setting import Setting, null_server

USERS = 1000
DELAY_MS = 100.0
ROUNDS = 3
STEPS = (1000, 1400, 2000, 2800, 4000, 5600, 8000)
JITTER_S = 2.0
INTERRUPTED_US = 50.0  # a loop that reads the clock never takes this long by itself
MOST_ERROR_MS = 2.0
MOST_BUSY = 0.9


@dataclass(frozen=True)
class Figure:
    """One result. `good` is None if it has no threshold."""

    what: str
    value: str
    meaning: str
    good: bool | None = None


def capacity(setting: Setting) -> Figure:
    """How many requests per second one load process can send, check and record."""
    with null_server(setting) as server:
        rates = [
            watched.measure(watched.PointReadLoad(server.url, users=USERS), setting).throughput_rps
            for _ in range(ROUNDS)
        ]
    return Figure(
        "requests/s of one load process",
        f"{statistics.median(rates):,.0f}",
        f"{USERS} users on a server that does nothing; services faster than about half of it need more processes",
    )


def latency_error(setting: Setting) -> tuple[Figure, Figure]:
    """The latency that the load generator adds to a known delay."""
    with null_server(setting, delay_ms=DELAY_MS) as server:
        seen = [watched.measure(watched.PointReadLoad(server.url, users=USERS), setting) for _ in range(ROUNDS)]
    p50 = statistics.median(one.latency_p50_ms for one in seen) - DELAY_MS
    p99 = statistics.median(one.latency_p99_ms for one in seen) - DELAY_MS
    meaning = f"added to answers after {DELAY_MS:g} ms, {USERS} users, {seen[0].throughput_rps:,.0f} requests/s"
    return (
        Figure("error of p50", f"{p50:+.2f} ms", meaning, good=abs(p50) < MOST_ERROR_MS),
        Figure("error of p99", f"{p99:+.2f} ms", meaning, good=abs(p99) < MOST_ERROR_MS),
    )


def most_users(setting: Setting, say: Callable[[str], None]) -> Figure:
    """How many users, each with ten requests a second, one load process can have with correct latencies."""
    carried, why = 0, f"more than {STEPS[-1]:,} were not tried"
    with null_server(setting, delay_ms=DELAY_MS) as server:
        for users in STEPS:
            say(f"{users:,} users in one load process")
            seen = watched.measure(watched.PointReadLoad(server.url, users=users, spawn_rate=2000.0), setting)
            error_ms = seen.latency_p99_ms - DELAY_MS
            if seen.failures or error_ms > MOST_ERROR_MS or seen.cpu_share > MOST_BUSY:
                why = f"{users:,}: p99 {error_ms:+.1f} ms, {seen.cpu_share:.0%} of a CPU, {seen.failures} failures"
                break
            carried = users
    return Figure("users of one load process", f"{carried:,}", f"10 requests/s each; {why}", good=carried >= USERS)


def jitter() -> Iterator[Figure]:
    """How often and for how long each CPU interrupts a busy process, which reads the clock without a pause."""
    for number in placement.available_cpus():
        with _on(number):
            gaps_us = _gaps_us(JITTER_S)
        stopped_us = [gap for gap in gaps_us if gap > INTERRUPTED_US]
        share = math.fsum(stopped_us) / (JITTER_S * 1e6)
        yield Figure(
            f"interruptions of CPU {number}",
            f"{share:.2%}, at most {max(gaps_us) / 1e3:.2f} ms",
            f"{len(stopped_us)} in {JITTER_S:g} s of more than {INTERRUPTED_US:g} us: the kernel, others, or the host",
            good=share < 0.02,
        )


@contextmanager
def _on(number: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _gaps_us(seconds: float) -> list[float]:
    """The longest step of the clock in every millisecond."""
    end_ns = time.perf_counter_ns() + round(seconds * 1e9)
    last_ns = time.perf_counter_ns()
    gaps_us, longest_ns, until_ns = [], 0, last_ns + 1_000_000
    while last_ns < end_ns:
        now_ns = time.perf_counter_ns()
        longest_ns = max(longest_ns, now_ns - last_ns)
        last_ns = now_ns
        if now_ns >= until_ns:
            gaps_us.append(longest_ns / 1e3)
            longest_ns, until_ns = 0, now_ns + 1_000_000
    return gaps_us
