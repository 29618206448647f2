"""Windows: where one begins and ends, and which requests are its."""

from dataclasses import replace

import polars as pl
import pytest

from bench.analysis.recorded import windows
from bench.analysis.recorded.windows import Mark, Window
from bench.plan.model import Load
from suite.arrival import Arrival
from suite.errors import ResultsError
from suite.records import MISSED, TIMED_OUT, UNFINISHED

WINDOW = Window(1_000, 2_000, 1)
RATES = {"closed": None, "open": 1.0}
MARKS = (Mark("spawned", 500, 4), Mark("stopping", 9_000_000_000, 3))


def samples(*rows: tuple[int, int, int, str]) -> pl.DataFrame:
    """(due, start, end, error) of each request in ns."""
    return pl.DataFrame(
        {
            "intended_ns": [due for due, *_ in rows],
            "start_ns": [start for _, start, *_ in rows],
            "service_time_ns": [end - start for _, start, end, _ in rows],
            "error": [error for *_, error in rows],
        },
        schema={"intended_ns": pl.Int64, "start_ns": pl.Int64, "service_time_ns": pl.Int64, "error": pl.String},
    )


@pytest.mark.parametrize("arrival", ["closed", "open"])
def test_a_load_that_goes_on_has_the_window_that_the_plan_asks_for(arrival: str) -> None:
    """Whatever its samples are."""
    load = Load.model_validate({"arrival": arrival, "warm_up_s": 2.0, "measure_s": 4.0, "rate": RATES[arrival]})
    assert windows.of(MARKS, samples(), load) == Window(2_000_000_500, 6_000_000_500, 3)


def test_a_batchs_window_is_all_of_it() -> None:
    """From the first request that was due to the end of the last, whose nanosecond belongs to it."""
    sent = samples((30, 35, 90, ""), (20, 40, 60, "refused"))
    window = windows.of(MARKS, sent, Load(arrival=Arrival.BATCH))
    assert window == Window(20, 91, 4)
    assert windows.classified(sent, window).select("begun", "completed").rows() == [(True, True)] * 2


@pytest.mark.parametrize(
    ("marks", "sent", "words"),
    [
        (MARKS, samples(), "the batch sent no request"),
        (MARKS[:1], samples((1, 1, 2, "")), "the load ended before its window did"),
        (MARKS[1:], samples((1, 1, 2, "")), "the load ended before its window did"),
    ],
)
def test_a_batch_without_requests_or_an_end_has_no_window(
    marks: tuple[Mark, ...], sent: pl.DataFrame, words: str
) -> None:
    """It says why."""
    with pytest.raises(ResultsError, match=words):
        windows.of(marks, sent, Load(arrival=Arrival.BATCH))


def test_each_request_is_where_it_began_and_where_it_ended() -> None:
    """Latency counts from when a request was due to its end, wherever that is."""
    sent = samples(
        (500, 700, 1_900, ""),
        (1_000, 1_100, 1_600, ""),
        (1_999, 2_500, 3_199, ""),
        (2_000, 2_000, 2_000, ""),
        (1_500, 1_501, 1_501, "refused"),
    )
    found = windows.classified(sent, WINDOW)
    assert found.select("begun", "completed", "latency_ns", "ok", "timed").rows() == [
        (False, True, 1_400, True, True),
        (True, True, 600, True, True),
        (True, False, 1_200, True, True),
        (True, True, 1, False, False),
    ]


def test_what_had_no_answer_counts_with_its_age() -> None:
    """The load waited until 3,000: late answers, hung requests and missed arrivals had waited at least that long."""
    window = replace(WINDOW, stopped_ns=3_000)
    sent = samples(
        (1_000, 1_000, 3_001, ""),
        (1_200, 1_200, 9_000, UNFINISHED),
        (1_400, 1_400, 1_400, MISSED),
        (1_600, 1_600, 2_600, f"{TIMED_OUT} 1 s"),
        (1_800, 1_800, 3_000, ""),
    )
    found = windows.classified(sent, window)
    assert found.select("latency_ns", "ok", "unfinished", "missed", "timed").rows() == [
        (2_000, False, True, False, True),
        (1_800, False, True, False, True),
        (1_600, False, False, True, True),
        (1_000, False, False, False, True),
        (1_200, True, False, False, True),
    ]
    assert found["error"].to_list() == [UNFINISHED, UNFINISHED, MISSED, f"{TIMED_OUT} 1 s", ""]
    assert not found["completed"].any()


@pytest.mark.parametrize("arrival", ["closed", "open"])
def test_a_window_begins_when_the_load_had_warmed_up(arrival: str) -> None:
    """Whatever the plan had for the warm-up; the window knows when the load stopped waiting."""
    load = Load.model_validate({"arrival": arrival, "warm_up_s": 2.0, "measure_s": 4.0, "rate": RATES[arrival]})
    marks = (*MARKS[:1], Mark("measuring", 5_000_000_500, 4), Mark("draining", 9_250_000_500, 4), *MARKS[1:])
    found = windows.of(marks, samples(), load)
    assert found == Window(5_000_000_500, 9_000_000_500, 3, MARKS[1].at_ns, 5.0)


def test_an_arrival_that_was_never_sent_is_no_request() -> None:
    """One that failed is."""
    due = samples((1, 1, 5, ""), (2, 2, 2, MISSED), (3, 3, 4, "refused"))
    assert windows.sent(due)["error"].to_list() == ["", "refused"]
    assert windows.ended_ns(due).tolist() == [4, 5]
