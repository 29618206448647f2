"""The suite's own measurements: what is read and said, and the null server."""

import math
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.plan.placement import Placement
from bench.selfbench import wrk
from bench.selfbench.figures import TargetRange, extremes, ratio
from bench.selfbench.null_server import ANSWER
from bench.selfbench.parts import cost, soak
from bench.selfbench.setting import Setting, null_server
from bench.selfbench.tally import ANSWERED, OPEN
from bench.selfbench.watched import CpuTrack, PointReadLoad, percentile_ms
from bench.store.locust_counts import requests_in
from suite.errors import ResultsError

USER_1 = b'{"id":1,"name":"Olga Fischer","email":"user1@example.com","created_at":"2024-04-27T02:58:23Z"}'

PRINTED = """\
Running 5s test @ http://127.0.0.1:8001/users/5
  1 threads and 1000 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   455.96ms   42.18ms 554.66ms   62.00%
    Req/Sec     2.71k     2.12k    6.39k    57.14%
  Latency Distribution
     50%  956.20us
     75%  483.01ms
     90%  518.68ms
     99%    1.41s\x20
  6000 requests in 3.07s, 1.24MB read
Requests/sec:   1952.54
Transfer/sec:    413.77KB
"""


def test_wrks_figures_are_read_with_their_units() -> None:
    """Microseconds, milliseconds and seconds, with and without white space behind them."""
    assert wrk.parse(PRINTED) == wrk.WrkFigures(1952.54, 0.9562, 1410.0)


def test_a_target_is_ruled_on_by_the_whole_interval() -> None:
    """Inside: holds; outside: does not; partly: undecided."""
    target = TargetRange(0.95, 1.05)
    assert target.ruling(0.96, 1.04) == "target 0.95 .. 1.05: holds"
    assert target.ruling(1.06, 1.08) == "target 0.95 .. 1.05: does not hold"
    assert target.ruling(1.04, 1.06) == "target 0.95 .. 1.05: undecided"
    assert TargetRange(low=3).ruling(3.5, 4.5) == "target >= 3: holds"
    assert TargetRange(high=2).ruling(-0.5, 2.5) == "target < 2: undecided"


def test_ratios_are_shown_with_mean_interval_and_ruling() -> None:
    """The mean is geometric; one round gives no interval and no ruling that holds."""
    assert ratio("a / b", [2.0, 8.0, 4.0, 4.0], TargetRange(low=1)) == (
        "  a / b: 4.000 (95% CI 1.625 .. 9.844; 4 rounds); target >= 1: holds"
    )
    assert ratio("a / b", [2.0], TargetRange(low=1)).endswith("undecided")


def test_extremes_name_the_value_farthest_from_zero() -> None:
    """It may be negative."""
    assert extremes("error", [0.5, -3.0, 1.0], "ms", TargetRange(high=2)) == (
        "  error: median 0.50 ms, worst -3.00 ms; target < 2: holds"
    )


def test_cpu_time_is_read_off_between_two_readings() -> None:
    """On a straight line."""
    track = CpuTrack()
    for at_ns, used_s in ((0, 1.0), (100, 2.0), (200, 6.0)):
        track.add(at_ns, used_s)
    assert [track.at(at_ns) for at_ns in (0, 50, 100, 150, 200)] == [1.0, 1.5, 2.0, 4.0, 6.0]


def test_percentiles_are_exact_and_none_of_nothing() -> None:
    """A value that occurred, in ms."""
    latencies = pl.DataFrame({"latency_ns": [3_000_000, 1_000_000, 2_000_000]})
    assert percentile_ms(latencies, 0.5) == 2.0
    assert math.isnan(percentile_ms(latencies.clear(), 0.5))


def test_locusts_requests_are_summed_over_operations(tmp_path: Path) -> None:
    """As its --json-file has them."""
    path = tmp_path / "locust.json"
    path.write_text('[{"name": "read_user", "num_requests": 3}, {"name": "list_users", "num_requests": 4}]')
    assert requests_in(path) == 7


def test_the_load_is_a_cells_own_and_recording_can_be_left_out(tmp_path: Path) -> None:
    """Only the samples go."""
    setting = Setting(tmp_path, Placement())
    recorded, unrecorded = (make("http://127.0.0.1:1", setting, tmp_path) for make in (cost.lean, cost.unrecorded))
    at = recorded.index("--samples")
    assert unrecorded == recorded[:at] + recorded[at + 2 :]
    assert recorded[at + 1] == str(tmp_path / "samples.bin")
    many = PointReadLoad("http://127.0.0.1:1", users=10_000, processes=2).command(setting, tmp_path)
    assert many[many.index("--users") + 1] == "10000"
    assert many[many.index("--processes") + 1] == "2"
    assert many[many.index("--master-bind-host") + 1] == "127.0.0.1"


@pytest.mark.parametrize(("options", "least_s"), [({}, 0.0), ({"delay_ms": 60.0}, 0.06), ({"work_us": 30_000}, 0.03)])
def test_the_null_server_answers_as_a_service_does(tmp_path: Path, options: dict[str, Any], least_s: float) -> None:
    """Requests in pieces and several at once, each answered after the delay or the work, and counted."""
    head = b"GET /users/1 HTTP/1.1\r\nHost: x\r\n\r\n"
    with null_server(Setting(tmp_path, Placement()), **options) as server:
        port, before = int(server.url.rpartition(":")[2]), server.tally[ANSWERED]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client, client.makefile("rb") as answers:
            for parts, requests in (
                ((head,), 1),
                ((head[:9], head[9:-2], head[-2:]), 1),
                ((head + head + head[:5],), 2),
            ):
                started_s = time.perf_counter()
                for part in parts:
                    client.sendall(part)
                    time.sleep(0.01)
                for _ in range(requests):
                    answer = answers.read(len(ANSWER))
                    assert answer.partition(b"\r\n\r\n")[2] == USER_1
                assert time.perf_counter() - started_s >= least_s
            assert server.tally[ANSWERED] - before == 4
            assert server.tally[OPEN] == 1
        child = server.child
    assert child.exit_code() == 0


def test_a_rise_of_memory_is_that_of_a_line_through_what_came_after_settling() -> None:
    """Growth before does not count, noise around a level is none, and a leak is what it is by the second."""
    start = [(at, 1e6 * at) for at in range(20)]
    leak = soak.rise([*start, *((at, 100e6 + 0.5e6 * (at - 20)) for at in range(20, 101))])
    assert leak.readings == 81
    assert leak.rise_mb == pytest.approx(40.0)
    assert leak.share == pytest.approx(40.0 / 120.0)
    assert soak.RISE.ruling(leak.share, leak.share).endswith("does not hold")
    level = soak.rise([*start, *((at, 100e6 + 1e6 * (-1) ** at) for at in range(20, 101))])
    assert abs(level.share) < 0.001
    assert soak.RISE.ruling(level.share, level.share).endswith(": holds")
    with pytest.raises(ResultsError, match="fewer than three times"):
        soak.rise([(0.0, 1.0), (10.0, 2.0)])
    with pytest.raises(ResultsError, match="fewer than three times"):
        soak.rise([])


@pytest.mark.release
def test_a_soak_of_seconds_says_what_one_of_minutes_does(tmp_path: Path, stage: Callable[..., None]) -> None:
    """All arrivals of each service answered; the memory of service, generator and harness, each with a ruling."""
    stage()  # the services' ports are free
    said: list[str] = []
    rises = soak.soak(Setting(tmp_path, Placement()), said.append, duration_s=8.0, services=["asyncpg_async"])
    assert list(rises) == ["service asyncpg_async", "load of asyncpg_async", "harness"]
    assert all(5 < one.mean_mb < 1000 and one.readings >= 3 for one in rises.values())
    assert "  asyncpg_async: 800 of 800 arrivals answered, 100.0 requests/s: holds" in said
    assert sum("MB, rising" in line and "target < 0.02: " in line for line in said) == 3


def test_wrk_sends_the_headers_of_our_load(tmp_path: Path) -> None:
    """Its own first line and Host are those of the address."""
    script = wrk.script_in(tmp_path, "http://127.0.0.1:8001", 1000).read_text()
    assert re.findall(r'wrk\.headers\["(.+)"\] = "(.+)"', script) == [("Accept", "*/*"), ("User-Agent", "locust")]
    assert 'wrk.format("GET", "/users/" .. math.random(1, 1000))' in script
