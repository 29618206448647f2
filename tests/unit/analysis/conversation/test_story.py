"""One request as lines on one clock, and what they come to in a sentence."""

import struct

import pytest

from bench.analysis.conversation import story
from bench.analysis.conversation.story import Call
from bench.tracing.events import Event
from tests.unit.analysis.conversation.messages_of import IDLE, answered, asked
from tests.unit.analysis.event_of import MS, event


def test_a_story_is_in_order_and_says_when_its_connection_was_free() -> None:
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
    told = story.of(Call("GET /users/1", 10 * MS, 14 * MS), noted, heard)
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
    told = story.of(Call("GET /", 0, 9 * MS), noted, [])
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


def test_a_request_without_a_database_has_no_conversation() -> None:
    """Its story is the client's and the service's alone."""
    lines = story.of(Call("GET /ping", 0, 2 * MS), [event(1, "received"), event(1.5, "responded", detail="200")], [])
    assert [(line.at_ms, line.who) for line in lines.lines] == [
        (0.0, "client"),
        (1.0, "service"),
        (1.5, "service"),
        (2.0, "client"),
    ]
    assert lines.summary == "There was no conversation with PostgreSQL: no connection was used."


def test_a_conversation_without_a_noted_connection_is_counted_all_the_same() -> None:
    """The wire says what a service does not note."""
    heard = [*asked((b"Q", b"SELECT 1\0"), at_ns=1 * MS), *answered((b"C", b"SELECT 1\0"), IDLE, at_ns=2 * MS)]
    assert story.of(Call("GET /", 0, 3 * MS), [], heard).summary == (
        "No connection was used; 1 round trip, 1 statement."
    )
