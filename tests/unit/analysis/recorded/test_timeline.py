"""A batch's timeline: from what a service noted and the load's samples to rows, a file and a drawing."""

import polars as pl

from bench.analysis.recorded import timeline
from bench.analysis.recorded.timeline import TimelineRow
from bench.analysis.recorded.windows import Window
from bench.tracing.events import Event
from suite.records import MISSED
from tests.unit.analysis.event_of import MS, event

WINDOW = Window(1000 * MS, 2000 * MS, users=3)


def samples(*rows: tuple[float, float, float, str]) -> pl.DataFrame:
    """(due, start, end, error) of each request, in ms of the clock."""
    return pl.DataFrame(
        {
            "intended_ns": [round(due * MS) for due, *_ in rows],
            "start_ns": [round(start * MS) for _, start, *_ in rows],
            "service_time_ns": [round((end - start) * MS) for _, start, end, _ in rows],
            "error": [error for *_, error in rows],
        }
    )


def noted(request: int, received: float, responded: float | None, *held: tuple[float, float | None]) -> list[Event]:
    found = [event(received, "received", request=request, detail="GET /point-reads")]
    for taken, returned in held:
        found.append(event(taken, "checked out", request, request=request))
        if returned is not None:
            found.append(event(returned, "returned", request, request=request))
    return [*found, *([] if responded is None else [event(responded, "responded", request=request)])]


def test_a_timeline_has_a_row_for_each_span_that_a_connection_was_held() -> None:
    """Relative to the window; each request beside the sample that it lies in, whatever the order of their numbers.

    The harness's own questions and arrivals that were never sent are not in it.
    """
    trace = [
        *noted(8, 1002, 1018, (1003, 1008), (1012, 1017)),
        *noted(9, 1001, 1009, (1002, 1007)),
        *[event(1004, "received", request=10, detail="GET /metrics"), event(1005, "responded", request=10)],
    ]
    load = samples((1000, 1000, 1020, ""), (1000, 1000.5, 1010, ""), (1001, 1001, 1001, MISSED))
    assert timeline.rows(trace, load, WINDOW) == [
        TimelineRow(1, 0.0, 0.0, 0.003, 0.008, 0.02, True),
        TimelineRow(1, 0.0, 0.0, 0.012, 0.017, 0.02, True),
        TimelineRow(2, 0.0, 0.0005, 0.002, 0.007, 0.01, True),
    ]


def test_a_connection_has_one_holder_at_a_time() -> None:
    """A request that notes its return after the next one has the connection held it until then; its note is no end."""
    trace = [
        event(1001, "received", request=1),
        event(1002, "received", request=2),
        event(1003, "checked out", 7, request=1),
        event(1010, "checked out", 7, request=2),
        event(1011, "returned", 7, request=1),
        event(1012, "responded", request=1),
        event(1020, "returned", 7, request=2),
        event(1021, "responded", request=2),
    ]
    load = samples((1000, 1000, 1013, ""), (1000, 1001.5, 1022, ""))
    assert [(row.held_from_s, row.held_to_s) for row in timeline.rows(trace, load, WINDOW)] == [
        (0.003, 0.01),
        (0.01, 0.02),
    ]


def test_all_requests_find_their_samples() -> None:
    """Where the first sample could have either request, and the second only one of them."""
    trace = [*noted(1, 1010, 1090, (1020, 1080)), *noted(2, 1060, 1085, (1065, 1075))]
    load = samples((1000, 1000, 1100, ""), (1050, 1050, 1101, ""))
    assert [(row.request, row.held_from_s) for row in timeline.rows(trace, load, WINDOW)] == [(1, 0.02), (2, 0.065)]


def test_a_timeline_without_a_trace_has_the_samples_alone() -> None:
    """No request of the service was noted."""
    assert timeline.rows([], samples((1000, 1000, 1010, "")), WINDOW) == [
        TimelineRow(1, 0.0, 0.0, None, None, 0.01, True)
    ]
    assert timeline.rows(noted(1, 1001, 1002), samples(), WINDOW) == []


def test_requests_that_the_client_gave_up_are_in_the_timeline() -> None:
    """Their samples end before the service does. One that never held a connection is there.

    A connection that was not returned has no end.
    """
    trace = [
        *noted(1, 1001, 1030, (1002, 1029)),
        *noted(2, 1002, None, (1003, None)),
        *noted(3, 1004, 1005),
    ]
    load = samples((1000, 1000, 1020, "timeout"), (1001, 1001.5, 1021, "timeout"), (1003, 1003, 1006, ""))
    assert timeline.rows(trace, load, WINDOW) == [
        TimelineRow(1, 0.0, 0.0, 0.002, 0.029, 0.02, False),
        TimelineRow(2, 0.001, 0.0015, 0.003, None, 0.021, False),
        TimelineRow(3, 0.003, 0.003, None, None, 0.006, True),
    ]


def test_a_timeline_is_written_with_empty_cells_for_what_is_unknown() -> None:
    """Seconds with their digits."""
    assert timeline.csv_text([TimelineRow(1, 0.0, 0.5, None, None, 1.25, False)]) == (
        "request,intended_s,start_s,held_from_s,held_to_s,end_s,ok\n1,0.0,0.5,,,1.25,false\n"
    )


def test_a_timeline_is_drawn_with_a_bar_for_each_request() -> None:
    """Waiting, then holding a connection; two on a pool of one take turns."""
    rows = [TimelineRow(1, 0.0, 0.0, 0.0, 4.9, 4.9, True), TimelineRow(2, 0.0, 0.0, 5.0, 10.0, 10.0, False)]
    assert timeline.drawn(rows, width=10).splitlines() == [
        "request  0 s 10.00 s   . waiting  # holding a connection",
        "      1  #####       4.90 s",
        "      2  .....#####  10.00 s  failed",
    ]
    many = [TimelineRow(number, 0.0, 0.0, 0.0, 1.0, 1.0, True) for number in range(1, 51)]
    assert timeline.drawn(many).splitlines()[-1] == "and 10 more in timeline.csv"
    assert timeline.drawn([]) == ""
