"""Reading what wrk prints."""

from bench.selfbench import wrk

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
    assert wrk.parse(PRINTED) == wrk.Figures(1952.54, 0.9562, 1410.0)
