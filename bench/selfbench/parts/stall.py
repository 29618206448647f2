"""Measures the latencies of a server that stops for a second: from the intended start, and from the real one."""

import os
import signal
from threading import Timer

from bench.plan import model
from bench.selfbench import watched
from bench.selfbench.figures import Say, TargetRange, extremes
from bench.selfbench.setting import Setting, null_server
from suite.arrival import Arrival
from suite.errors import LoadError

ROUNDS = 10
USERS = 100  # few requests in flight: counted from the send, they would hide the stall
RATE_RPS = 2000.0
WARM_UP_S = 1.0
WINDOW_S = 6.0
STOP_AFTER_S = 5.0  # from Locust's start: within the window
STALL_S = 1.0
# A sixth of the arrivals are due during the stall, evenly spaced: the 99th percentile is 94% of the stall.
SHOWS = TargetRange(low=800.0)
HIDES = TargetRange(high=20.0)


def in_the_open_model(setting: Setting, say: Say, rounds: int = ROUNDS) -> None:
    """Stop the server with SIGSTOP for a second in the middle of the window."""
    say(f"open model, {RATE_RPS:,.0f} arrivals/s, {USERS} users; the server stops for {STALL_S:g} of {WINDOW_S:g} s")
    seen = [_stalled(setting) for _ in range(rounds)]
    columns = {"latency_ns": "from the intended start", "service_time_ns": "uncorrected"}
    targets = {"latency_ns": (SHOWS, TargetRange(low=STALL_S * 950)), "service_time_ns": (HIDES, None)}
    for column, title in columns.items():
        p99, longest = targets[column]
        say(extremes(f"p99, {title}", [watched.percentile_ms(one.sent, 0.99, column) for one in seen], "ms", p99))
        say(extremes(f"max, {title}", [watched.percentile_ms(one.sent, 1.0, column) for one in seen], "ms", longest))
    say(
        f"  {min(len(one.sent) for one in seen):,} requests at least, {sum(one.missed for one in seen)} arrivals missed"
    )


def _stalled(setting: Setting) -> watched.LoadResult:
    arrival = model.Load(arrival=Arrival.OPEN, rate=RATE_RPS)
    with null_server(setting) as server:
        run = watched.PointReadLoad(server.url, users=USERS, warm_up_s=WARM_UP_S, measure_s=WINDOW_S, arrival=arrival)
        timers = (
            Timer(STOP_AFTER_S, os.kill, (server.child.pid, signal.SIGSTOP)),
            Timer(STOP_AFTER_S + STALL_S, os.kill, (server.child.pid, signal.SIGCONT)),
        )
        for timer in timers:
            timer.start()
        try:
            seen = watched.measure(run, setting)
        finally:
            for timer in timers:
                timer.cancel()
            os.kill(server.child.pid, signal.SIGCONT)
    if seen.failures:
        raise LoadError(f"{seen.failures} requests failed; none should")
    return seen
