"""Checks the figures of the load: against wrk on the same server, and against a known delay."""

from bench.selfbench import watched, wrk
from bench.selfbench.figures import Say, TargetRange, extremes, ratio
from bench.selfbench.setting import Setting, null_server
from suite.errors import LoadError

PAIRS = 10
WORK_US = 65  # the server's CPU is full at some 12,000 requests/s, which either client can send
WRK_S = 12  # it counts from its first connect: in a longer run, the start matters less
DELAY_MS = 100.0
DELAY_ROUNDS = 10
TARGETS = {
    "throughput_rps": TargetRange(0.95, 1.05),
    "latency_p50_ms": TargetRange(0.95, 1.05),
    "latency_p99_ms": TargetRange(0.90, 1.10),
}


def against_wrk(setting: Setting, say: Say, pairs: int = PAIRS) -> None:
    """Compare the closed model with wrk, in turn, on one saturated server process."""
    say(f"closed model, 1000 users / wrk, 1000 connections: null server with {WORK_US} us of work a request")
    folder = setting.new_folder("wrk")
    seen: list[tuple[watched.LoadResult, wrk.WrkFigures]] = []
    with null_server(setting, work_us=WORK_US) as server:

        def ours() -> watched.LoadResult:
            return _good(watched.measure(watched.PointReadLoad(server.url), setting))

        def theirs() -> wrk.WrkFigures:
            cpus = setting.placed.load
            return wrk.run(server.url, connections=1000, seconds=WRK_S, users=1, cpus=cpus, folder=folder)

        for number in range(pairs):
            if number % 2:
                figures = theirs()
                seen.append((ours(), figures))
            else:
                seen.append((ours(), theirs()))
    for metric, target in TARGETS.items():
        both = [(getattr(ours, metric), getattr(theirs, metric)) for ours, theirs in seen]
        say(ratio(f"{metric}, ours / wrk", [ours / theirs for ours, theirs in both], target))
        say(f"    last pair {both[-1][0]:,.2f} / {both[-1][1]:,.2f}")


def against_delay(setting: Setting, say: Say, rounds: int = DELAY_ROUNDS) -> None:
    """Measure what the load adds to a delay that the server keeps to some microseconds."""
    say(f"1000 users on a null server that answers after {DELAY_MS:g} ms, about 10,000 requests/s")
    with null_server(setting, delay_ms=DELAY_MS) as server:
        seen = [_good(watched.measure(watched.PointReadLoad(server.url), setting)) for _ in range(rounds)]
    say(f"  throughput: {min(one.throughput_rps for one in seen):,.0f} requests/s at least; {rounds} rounds")
    say(extremes("p50 - delay", [one.latency_p50_ms - DELAY_MS for one in seen], "ms"))
    say(extremes("p99 - delay", [one.latency_p99_ms - DELAY_MS for one in seen], "ms", TargetRange(high=2.0)))
    say(extremes("generator's share of its core", [one.cpu_share * 100 for one in seen], "%", TargetRange(high=45.0)))


def _good(seen: watched.LoadResult) -> watched.LoadResult:
    if seen.failures:
        raise LoadError(f"{seen.failures} requests to the null server failed; none should")
    return seen
