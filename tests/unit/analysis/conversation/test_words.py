"""PostgreSQL's messages in words: what travelled together is one line."""

import struct

from bench.analysis.conversation.words import SHORT, backend_pids, conversation, round_trips, shortened, statements
from db.protocol import Message
from tests.unit.analysis.conversation.messages_of import FAILED, IDLE, IN_TRANSACTION, answered, asked


def words(messages: list[Message], since_ns: int = 0) -> list[str]:
    return [one.text for one in conversation(messages, since_ns)]


PREPARE = ((b"P", b"s1\0SELECT id FROM users WHERE id = $1\0\0\1"), (b"D", b"Ss1\0"))
EXECUTE = ((b"B", b"\0s1\0\0\1\0\1\0\1\0\0\0\x08"), (b"E", b"\0\0\0\0\1"), (b"S", b""))


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
    assert [(one.connection, one.text) for one in conversation(mixed, 0)] == [
        (1, "prepare and execute: SELECT id FROM users WHERE id = $1"),
        (2, "execute prepared: statement 's1'"),
    ]


def test_long_statements_lose_their_middle_and_cut_ones_say_so() -> None:
    """The beginning says what, the end under which condition."""
    columns = ", ".join(f"column_{number}" for number in range(30))
    sql = f"SELECT {columns} FROM users WHERE id = 7"  # noqa: S608  # no database sees it
    assert shortened(sql) == "SELECT column_0, column_1, ... column_29 FROM users WHERE id = 7"
    assert len(shortened("x" * 200)) <= SHORT + 1
    assert words(asked((b"Q", b"SELECT 1, 2"))) == ["SELECT 1, 2 ..."]


def test_a_line_lasts_from_its_first_message_to_its_last() -> None:
    """As long as the same side speaks."""
    said = [
        *asked((b"P", b"\0SELECT 1\0\0\0"), at_ns=3),
        *asked((b"B", b"\0\0"), at_ns=5),
        *answered((b"D", b""), at_ns=7),
        *answered((b"C", b"SELECT 1\0"), IDLE, at_ns=11),
    ]
    assert [(one.start_ns, one.end_ns, one.from_client) for one in conversation(said, 0)] == [
        (3, 5, True),
        (7, 11, False),
    ]


def test_what_is_worth_no_word_is_no_line() -> None:
    """A lone Sync, or a row's description; a connection's own beginning and end are lines."""
    assert words([*asked((b"S", b"")), *answered((b"T", b""))]) == []
    said = [
        *asked((b"", b"\0\3\0\0user\0me\0\0")),
        *answered((b"R", b"\0\0\0\0"), IDLE),
        *asked((b"X", b"")),
    ]
    assert words(said) == ["open a connection", "authentication; idle", "close the connection"]
    assert (round_trips(said), statements(said)) == (0, 0)


def test_the_servers_process_is_known_by_its_connection() -> None:
    """From BackendKeyData; a client's message of that letter is none."""
    key = struct.pack("!ii", 700, 1)
    said = [*answered((b"K", key), connection=3), *asked((b"K", key), connection=4)]
    assert backend_pids(said) == {3: 700}
