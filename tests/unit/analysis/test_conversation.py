"""Which request a trace is of, and the events that a service notes of it."""

from pathlib import Path

import pytest

from bench.measure import traced as request
from bench.measure.gate.counts import CountedRequest
from bench.tracing import events
from bench.tracing.events import EventRecorder
from suite.errors import ResultsError, UsageError


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
