"""Transactions that end on a connection, as PostgreSQL itself counts them, and how often a client waits."""

import pytest

from db.protocol import EndedTransactions, RoundTrips

Talk = list[tuple[bytes, bytes]]
READY, INSIDE, FAILED = ((b"Z", state) for state in (b"I", b"T", b"E"))


def ended(*talks: tuple[bytes, Talk]) -> int:
    """How many after these: the kinds that a client sends, one letter each, and what the server answers."""
    counted = EndedTransactions()
    for kinds, answers in talks:
        counted.sent(bytes([kind]) for kind in kinds)
        counted.answered(answers)
    return counted.count


CASES: dict[str, tuple[list[tuple[bytes, Talk]], int]] = {
    "the server is ready when a connection begins": ([(b"", [(b"R", b"\0\0\0\0"), READY])], 0),
    "a query, or a script": ([(b"Q", [(b"C", b"SELECT 1\0"), (b"C", b"SELECT 1\0"), READY])], 1),
    "BEGIN, a query, COMMIT": ([(b"Q", [INSIDE]), (b"Q", [INSIDE]), (b"Q", [READY])], 1),
    "BEGIN, a query that fails, ROLLBACK": ([(b"Q", [INSIDE]), (b"Q", [FAILED]), (b"Q", [READY])], 1),
    "a statement is prepared, then executed": ([(b"PDS", [READY]), (b"BES", [READY])], 2),
    "a statement is prepared and flushed, then executed": ([(b"PDH", []), (b"BES", [READY])], 1),
    "a statement is closed": ([(b"CS", [READY])], 0),
    "a function is called": ([(b"F", [READY])], 1),
    "two are sent before the first answer": ([(b"BESBES", [READY, READY])], 2),
    "answers come later than the next message": ([(b"Q", []), (b"BES", [READY]), (b"", [READY])], 2),
    "no answer yet": ([(b"Q", [(b"C", b"SELECT 1\0")])], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_transaction_has_ended_when_the_server_is_ready_outside_of_one(case: str) -> None:
    """And it worked for a message that needs one."""
    talks, count = CASES[case]
    assert ended(*talks) == count


@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ("Q", 1),
        ("PBDES", 1),
        ("PDHBES", 2),  # a Flush, since the types of the statement are needed before Bind
        ("BESBES", 2),
        ("BEBEBES", 1),  # a pipeline
        ("BEBEBESH", 1),  # the Flush asks for nothing that the Sync has not
        ("BEHBES", 2),
        ("SHHQH", 2),
        ("F", 1),
        ("CX", 0),
    ],
)
def test_a_round_trip_is_what_a_client_waits_for(kinds: str, count: int) -> None:
    """However the network splits its messages."""
    together, apart = RoundTrips(), RoundTrips()
    together.sent(bytes([kind]) for kind in kinds.encode())
    for kind in kinds.encode():
        apart.sent([bytes([kind])])
    assert (together.count, apart.count) == (count, count)
