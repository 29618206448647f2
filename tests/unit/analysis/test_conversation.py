"""A trace in words, and a batch's timeline: from messages and events to lines and rows."""

import struct
from pathlib import Path

import polars as pl
import pytest

from bench.analysis.conversation import story
from bench.analysis.conversation.story import Call
from bench.analysis.conversation.words import SHORT, conversation, round_trips, shortened, statements
from bench.analysis.recorded import timeline
from bench.analysis.recorded.timeline import TimelineRow
from bench.analysis.recorded.windows import Window
from bench.measure import traced as request
from bench.measure.gate.counts import CountedRequest
from bench.tracing import events
from bench.tracing.events import Event, EventRecorder, Name
from db.protocol import Message
from suite.errors import ResultsError, UsageError
from suite.records import MISSED

# --- wording --------------------------------------------------------------------------------------------------


def asked(*said: tuple[bytes, bytes], at_ns: int = 1, connection: int = 1) -> list[Message]:
    return [Message(at_ns, connection, True, kind, body) for kind, body in said]


def answered(*said: tuple[bytes, bytes], at_ns: int = 1, connection: int = 1) -> list[Message]:
    return [Message(at_ns, connection, False, kind, body) for kind, body in said]


def words(messages: list[Message], since_ns: int = 0) -> list[str]:
    return [one.text for one in conversation(messages, since_ns)]


PREPARE = ((b"P", b"s1\0SELECT id FROM users WHERE id = $1\0\0\1"), (b"D", b"Ss1\0"))
EXECUTE = ((b"B", b"\0s1\0\0\1\0\1\0\1\0\0\0\x08"), (b"E", b"\0\0\0\0\1"), (b"S", b""))
IDLE, IN_TRANSACTION, FAILED = (b"Z", b"I"), (b"Z", b"T"), (b"Z", b"E")


def test_a_simple_query_is_its_sql_and_its_answer_the_rows() -> None:
    """One line each way; messages that travelled together are one."""
    said = [
        *asked((b"Q", b"BEGIN\0")),
        *answered((b"C", b"BEGIN\0"), IN_TRANSACTION),
        *asked((b"Q", b"SELECT  id\n  FROM users;\0")),
        *answered((b"T", b""), (b"D", b""), (b"D", b""), (b"C", b"SELECT 2\0"), IN_TRANSACTION),
        *asked((b"Q", b"COMMIT\0")),
        *answered((b"C", b"COMMIT\0"), IDLE),
    ]
    assert words(said) == [
        "BEGIN", "BEGIN; in transaction", "SELECT id FROM users", "2 rows; in transaction", "COMMIT", "COMMIT; idle",
    ]  # fmt: skip
    assert (round_trips(said), statements(said)) == (3, 3)


def test_a_script_in_one_message_is_one_round_trip_of_many_statements() -> None:
    """asyncpg's reset."""
    script = b"SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;\0"
    tags = [(b"C", tag) for tag in (b"SELECT 1\0", b"CLOSE CURSOR ALL\0", b"UNLISTEN\0", b"RESET\0")]
    said = [*asked((b"Q", script)), *answered((b"T", b""), (b"D", b""), *tags, IDLE)]
    assert words(said) == [
        "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL",
        "1 row, CLOSE CURSOR ALL, UNLISTEN, RESET; idle",
    ]
    assert (round_trips(said), statements(said)) == (1, 4)


def test_a_prepared_statement_is_shown_with_the_sql_that_it_was_prepared_with() -> None:
    """Also when that was long before; a limit of rows that was reached ends a statement, too."""
    said = [
        *asked(*PREPARE, (b"S", b"")),
        *answered((b"1", b""), (b"t", b""), (b"T", b""), IDLE),
        *asked(*EXECUTE, at_ns=9),
        *answered((b"2", b""), (b"D", b""), (b"s", b""), IDLE, at_ns=9),
    ]
    execute = ["execute prepared: SELECT id FROM users WHERE id = $1", "1 row; idle"]
    assert words(said) == ["prepare: SELECT id FROM users WHERE id = $1", "prepared; idle", *execute]
    assert words(said, since_ns=5) == execute
    assert words([*asked(*PREPARE, *EXECUTE)]) == ["prepare and execute: SELECT id FROM users WHERE id = $1"]
    assert words([*asked(*EXECUTE)]) == ["execute prepared: statement 's1'"]
    assert statements(said) == 1


def test_an_error_is_said_with_its_code() -> None:
    """And the state that it leaves the transaction in."""
    body = b"SERROR\0VERROR\0C23505\0Mduplicate key\0\0"
    assert words(answered((b"E", body), FAILED)) == ["error 23505: duplicate key; in a failed transaction"]


def test_connections_are_kept_apart() -> None:
    """Messages between each other are two lines, in the order of their beginnings."""
    first, second = (asked(*EXECUTE, connection=number) for number in (1, 2))
    mixed = [*asked(*PREPARE, connection=1), first[0], second[0], *first[1:], *second[1:]]
    told = [(one.connection, one.text) for one in conversation(mixed, 0)]
    assert told == [
        (1, "prepare and execute: SELECT id FROM users WHERE id = $1"),
        (2, "execute prepared: statement 's1'"),
    ]


def test_long_statements_lose_their_middle_and_cut_ones_say_so() -> None:
    """The beginning says what, the end under which condition."""
    columns = ", ".join(f"column_{number}" for number in range(30))
    sql = f"SELECT {columns} FROM users WHERE id = 7"  # noqa: S608  # nobody executes it
    assert shortened(sql) == "SELECT column_0, column_1, ... column_29 FROM users WHERE id = 7"
    assert len(shortened("x" * 200)) <= SHORT + 1
    assert words(asked((b"Q", b"SELECT 1, 2"))) == ["SELECT 1, 2 ..."]


# --- one request ----------------------------------------------------------------------------------------------

MS = 1_000_000


def event(at_ms: float, name: Name, connection: int | None = None, detail: str = "", request: int = 1) -> Event:
    return Event(round(at_ms * MS), 100, request, name, connection, detail)


def test_a_request_is_told_in_order_and_says_when_its_connection_was_free() -> None:
    """Service, wire and client on one clock, from when the client sent it; earlier messages are not its own."""
    noted = [
        event(10.5, "received", detail="GET /users/1"),
        event(11, "checked out", 700),
        event(12.5, "returned", 700),
        event(13, "responded", detail="200"),
        event(13.1, "ended"),
    ]
    heard = [
        *answered((b"K", struct.pack("!ii", 700, 1)), at_ns=MS),
        *asked((b"Q", b"SELECT 0\0"), at_ns=2 * MS),
        *answered((b"C", b"SELECT 1\0"), IDLE, at_ns=3 * MS),
        *asked((b"Q", b"SELECT 1\0"), at_ns=round(11.5 * MS)),
        *answered((b"C", b"SELECT 1\0"), IDLE, at_ns=12 * MS),
    ]
    told = story.told(Call("GET /users/1", 10 * MS, 14 * MS), noted, heard)
    assert [str(line) for line in told.lines] == [
        "     0.00 ms  client          sends GET /users/1",
        "     0.50 ms  service         request received",
        "     1.00 ms  service         connection checked out",
        "     1.50 ms  to PostgreSQL   SELECT 1",
        "     2.00 ms  from PostgreSQL 1 row; idle",
        "     2.50 ms  service         connection returned",
        "     3.00 ms  service         response sent: 200",
        "     4.00 ms  client          has the whole answer",
    ]
    assert told.summary == ("The connection was freed 0.50 ms before the response was sent; 1 round trip, 1 statement.")


def test_two_connections_are_numbered() -> None:
    """By the server's processes behind them."""
    noted = [event(1, "checked out", 700), event(2, "checked out", 800), event(3, "returned", 800)]
    told = story.told(Call("GET /", 0, 9 * MS), noted, [])
    assert [line.text for line in told.lines][1:-1] == [
        "connection checked out (connection 1)",
        "connection checked out (connection 2)",
        "connection returned (connection 2)",
    ]


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ([], "no connection was used"),
        (
            [event(1, "checked out", 7), event(2, "responded"), event(2.25, "returned", 7)],
            "the connection was freed 0.25 ms after the response was sent",
        ),
        ([event(1, "checked out", 7), event(2, "responded")], "the connection was not freed while this was watched"),
        ([event(1, "checked out", 7), event(2, "returned", 7)], "the connection was freed, and no response was sent"),
        (
            [
                event(1, "checked out", 7), event(2, "returned", 7), event(3, "checked out", 7),
                event(4, "returned", 7), event(5, "responded"),
            ],
            "of 2 uses of a connection the last was freed 1.00 ms before the response was sent",
        ),
    ],
)  # fmt: skip
def test_when_the_connection_was_free_is_said_in_words(noted: list[Event], said: str) -> None:
    """Before or after the response, or not at all."""
    assert story.freed(noted) == said


def test_a_query_parameter_overrides_the_one_that_the_call_has() -> None:
    """And is added where there is none."""
    call = CountedRequest("GET", "/point-reads?count=3&seed=0")
    assert request.overridden(call, {"count": "7", "x": "a b"}).path == "/point-reads?count=7&seed=0&x=a+b"
    assert request.overridden(call, {}) == call


@pytest.mark.parametrize(
    ("service", "operation", "words"),
    [
        ("asyncpg_asyn", "read_user", "did you mean 'asyncpg_async'"),
        ("asyncpg_async", "read_usr", "did you mean 'read_user'"),
        ("no_database", "create_user", "no_database does not answer create_user; it answers: health, ping"),
    ],
)
def test_what_cannot_be_traced_is_named(service: str, operation: str, words: str) -> None:
    """With the nearest name."""
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        request.setup_of(service, operation, "idiomatic")


# --- events ---------------------------------------------------------------------------------------------------


def test_a_returned_connection_belongs_to_who_had_it(tmp_path: Path) -> None:
    """The next request may have it before the return is over; what no request does is not noted."""
    recorder = EventRecorder(tmp_path / "trace")
    recorder.checked_out(1, 700)
    with recorder.request(5):
        recorder.checked_out(1, 700)
    with recorder.returning(1), recorder.request(6):
        recorder.checked_out(1, 700)
    with recorder.returning(1):
        pass
    with (tmp_path / "trace").open("a") as file:
        file.write('[1, 2, 3, "rec')  # a line that is being written
    noted = [(one.name, one.request, one.connection) for one in events.read(tmp_path / "trace")]
    assert noted == [
        ("checked out", 5, 700),
        ("checked out", 6, 700),
        ("returned", 5, 700),
        ("returned", 6, 700),
    ]


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    """By its name."""
    (tmp_path / "trace").write_text("hello\n")
    with pytest.raises(ResultsError, match="trace"):
        events.read(tmp_path / "trace")


# --- the timeline ---------------------------------------------------------------------------------------------

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

    The harness's own questions and arrivals that nobody sent are not in it.
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
        "request,intended_s,start_s,held_from_s,held_to_s,end_s,ok\n1,0,0.5,,,1.25,false\n"
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
