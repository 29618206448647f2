"""Windows: where one begins and ends, and which requests are its."""

import polars as pl
import pytest

from bench.analysis.recorded import windows
from bench.analysis.recorded.windows import Mark, Window
from bench.plan.model import Load
from suite.arrival import Arrival
from suite.errors import ResultsError
from suite.records import MISSED

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
    assert len(windows.cut(sent, window, Arrival.BATCH)) == 2


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


@pytest.mark.parametrize(
    ("arrival", "latencies"), [("closed", [1_400, 600, 1]), ("open", [600, 1_200, 1]), ("batch", [600, 1_200, 1])]
)
def test_a_window_has_what_ended_in_it_or_what_was_due_in_it(arrival: str, latencies: list[int]) -> None:
    """Due where requests do not wait for answers. Latency counts from when a request was due."""
    sent = samples(
        (500, 700, 1_900, ""),
        (1_000, 1_100, 1_600, ""),
        (1_999, 2_500, 3_199, ""),
        (2_000, 2_000, 2_000, ""),
        (1_500, 1_501, 1_501, "refused"),
    )
    found = windows.cut(sent, WINDOW, Arrival(arrival))
    assert found["latency_ns"].to_list() == latencies
    assert found["ok"].to_list() == [True, True, False]


def test_an_arrival_that_was_never_sent_is_no_request() -> None:
    """One that failed is."""
    due = samples((1, 1, 5, ""), (2, 2, 2, MISSED), (3, 3, 4, "refused"))
    assert windows.sent(due)["error"].to_list() == ["", "refused"]
    assert windows.ended_ns(due).tolist() == [4, 5]
