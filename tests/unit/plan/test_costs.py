"""What an operation should cost in the database, by hand, and what is said where it costs something else."""

from dataclasses import replace

import pytest

from bench.plan import costs
from bench.plan.costs import Cost
from bench.plan.matrix import default_setup
from suite import catalogue
from suite.service import Service

PSYCOPG2, ASYNCPG, PSQLPY, ORM, TORTOISE, PSYCOPG3 = (
    catalogue.service(name)
    for name in (
        "psycopg2_sync", "asyncpg_async", "psqlpy_async", "sqlalchemy_async", "tortoise_async", "psycopg3_async",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("service", "profile", "operation", "variant", "cost"),
    [
        (PSYCOPG2, "idiomatic", "read_user", None, Cost(3, 3)),  # BEGIN, SELECT, COMMIT
        (PSYCOPG2, "lean", "read_user", None, Cost(1, 1)),
        (ASYNCPG, "idiomatic", "read_user", None, Cost(2, 5)),  # SELECT, and a script of four that resets
        (ORM, "idiomatic", "update_user", None, Cost(4, 4)),  # it loads the user before
        (PSYCOPG2, "idiomatic", "read_many", None, Cost(22, 22)),  # twenty reads in one transaction
        (PSYCOPG2, "idiomatic", "simulation", None, Cost(6, 6)),  # two reads, each on a connection of its own
        (PSYCOPG2, "lean", "read_note", "implicit", Cost(3, 3)),  # the profile changes nothing of notes
        (ASYNCPG, "idiomatic", "read_note", "implicit", Cost(2, 5)),
        (ASYNCPG, "idiomatic", "read_note", "explicit", Cost(4, 7)),  # BEGIN and COMMIT beside what is usual
        (ASYNCPG, "lean", "read_note", "explicit", Cost(3, 3)),
        (PSYCOPG2, "idiomatic", "synchronize_note", "implicit", Cost(4, 4)),  # read, call, write in one transaction
        (PSYCOPG2, "idiomatic", "synchronize_note", "explicit", Cost(6, 6)),  # one transaction for each
        (TORTOISE, "idiomatic", "read_many", None, Cost(40, 100)),  # twenty reads, each on a connection of its own
        (TORTOISE, "lean", "session_sleep", "inside", Cost(3, 3)),  # only a transaction holds a connection
        (TORTOISE, "idiomatic", "session_sleep", "outside", Cost(4, 7)),
        (PSYCOPG2, "idiomatic", "relations", "lazy", Cost(63, 63)),  # users, ten times orders, fifty times items
        (ASYNCPG, "lean", "relations", "selectin", Cost(2, 2)),
        (ORM, "lean", "relations", "selectin", Cost(3, 3)),  # users, orders, items
        (ORM, "idiomatic", "relations", "join", Cost(3, 3)),
        (ASYNCPG, "idiomatic", "stream_request", None, Cost(2, 5)),
        (ASYNCPG, "idiomatic", "stream_early", None, Cost(4, 7)),  # only a transaction can end early
        (ORM, "idiomatic", "stream_early", None, Cost(3, 3)),
        (TORTOISE, "idiomatic", "slow_query", None, Cost(2, 5)),
        (PSYCOPG2, "idiomatic", "ping", None, Cost(0, 0)),
        (catalogue.service("no_database"), "idiomatic", "read_user", None, Cost(0, 0)),
    ],
)
def test_an_operation_costs_its_statements_and_what_is_around_them(
    service: Service, profile: str, operation: str, variant: str | None, cost: Cost
) -> None:
    """By the contract and by what the service's description says of each use of a connection."""
    assert costs.expected(service, profile, operation, variant) == cost


def test_related_rows_cost_a_statement_for_each_where_they_are_loaded_lazily() -> None:
    """One for the users, one for each user, one for each of five orders on average; otherwise as many as always."""
    for users, lazy in ((1, 7), (10, 61), (50, 301)):
        assert costs.expected(ASYNCPG, "lean", "relations", "lazy", users) == Cost(lazy, lazy)
        assert costs.expected(ASYNCPG, "lean", "relations", "json", users) == Cost(1, 1)


@pytest.mark.parametrize(("users", "more"), [(1, 0), (2, 2), (5, 2), (6, 3)])
def test_each_statement_that_a_session_prepares_costs_a_round_trip(users: int, more: int) -> None:
    """On psycopg, from six executions on: items, five for each user, then orders, one for each."""
    psycopg = catalogue.service("sqlalchemy_async", "psycopg")
    cost = costs.expected(psycopg, "idiomatic", "relations", "lazy", users)
    assert cost.round_trips == 1 + 6 * users + 2 + more


def test_transactions_that_follow_from_the_rows_are_unknown() -> None:
    """One for each query, of users whose orders differ in number. One around all of them is known."""
    lazy = {"loading": "lazy", "parents": 50}
    assert costs.transactions({"relations lazy": 61.0}, "relations", lazy) is None
    assert costs.transactions({"relations lazy": 1.0}, "relations", lazy) == 1
    assert costs.transactions({"relations join": 1.0}, "relations", {"loading": "join", "parents": 50}) == 1


def test_many_reads_cost_as_many_statements() -> None:
    """In one use of a connection, or in one each; the number changes nothing else."""
    assert costs.expected(ASYNCPG, "idiomatic", "read_many", times=20) == Cost(21, 24)
    assert costs.expected(TORTOISE, "idiomatic", "read_many", times=20) == Cost(40, 100)
    assert costs.expected(ASYNCPG, "idiomatic", "read_user", times=20) == Cost(2, 5)


def test_statements_that_are_sent_together_share_their_round_trips() -> None:
    """However many they are, in the profile that says so, behind a pooler, too."""
    assert costs.expected(PSYCOPG3, "idiomatic", "read_many", times=20) == Cost(22, 22)
    assert costs.expected(PSYCOPG3, "lean", "read_many", times=20) == Cost(1, 20)
    assert costs.expected(PSYCOPG3, "lean", "read_many", times=20, pooler="transaction") == Cost(1, 20)
    assert costs.expected(PSYCOPG3, "lean", "read_user", times=20) == Cost(1, 1)


@pytest.mark.parametrize(
    ("service", "profile", "operation", "variant", "cost"),
    [
        (ASYNCPG, "idiomatic", "read_user", None, Cost(3, 5)),  # without its cache, it asks for the types first
        (ASYNCPG, "lean", "read_user", None, Cost(2, 1)),
        (ASYNCPG, "lean", "read_many", None, Cost(40, 20)),
        # Four round trips and two statements each, in a transaction for each use of a connection, explicit or not.
        (PSQLPY, "lean", "read_user", None, Cost(6, 4)),
        (PSQLPY, "idiomatic", "read_note", "explicit", Cost(6, 4)),
        (PSQLPY, "idiomatic", "synchronize_note", "explicit", Cost(12, 8)),
        (ORM, "idiomatic", "update_user", None, Cost(6, 4)),  # BEGIN, two statements of two round trips, COMMIT
        (PSYCOPG2, "idiomatic", "read_user", None, Cost(3, 3)),  # it prepares nothing
    ],
)
def test_settings_for_a_pooler_may_cost_round_trips(
    service: Service, profile: str, operation: str, variant: str | None, cost: Cost
) -> None:
    """As many for each data statement as the service's description says. A difference names the setting."""
    assert costs.expected(service, profile, operation, variant, pooler="transaction") == cost
    more = {operation: Cost(cost.round_trips + 1, None)}
    [said] = costs.differences(service, profile, more, pooler="transaction")
    assert said.startswith(f"{service.name} ({profile}, pooler transaction): {operation} took")


def test_what_costs_something_else_is_said() -> None:
    """With what it took and what it should have; one that keeps to it says nothing."""
    found = {
        "read_user": Cost(3, 3),
        "list_users": Cost(4.2, 3),
        "create_user": Cost(3, 4),
        "read_note explicit": Cost(2, 2),
    }
    assert list(costs.differences(PSYCOPG2, "idiomatic", found)) == [
        (
            "psycopg2_sync (idiomatic): list_users took 4.2 round trips and 3 statements a call,"
            " expected 3 round trips and 3 statements (5 calls)"
        ),
        (
            "psycopg2_sync (idiomatic): create_user took 3 round trips and 4 statements a call,"
            " expected 3 round trips and 3 statements (5 calls)"
        ),
        (
            "psycopg2_sync (idiomatic): read_note explicit took 2 round trips and 2 statements a call,"
            " expected 3 round trips and 3 statements (5 calls)"
        ),
    ]


def test_statements_that_were_not_counted_are_no_difference() -> None:
    """Round trips are compared, too."""
    assert list(costs.differences(PSYCOPG2, "idiomatic", {"read_user": Cost(3, None)})) == []
    [said] = costs.differences(PSYCOPG2, "idiomatic", {"read_user": Cost(2, None)})
    assert "read_user took 2 round trips a call, expected 3" in said


@pytest.mark.parametrize(("round_trips", "differs"), [(6.0, False), (6.8, False), (7.0, True), (5.8, True)])
def test_two_statements_at_once_may_have_to_learn(round_trips: float, *, differs: bool) -> None:
    """Less than one round trip more a call, where an operation uses two connections; never less than it should."""
    found = {"simulation": Cost(round_trips, 6)}
    assert bool(list(costs.differences(PSYCOPG2, "idiomatic", found))) == differs


def test_a_variant_is_counted_under_a_name_of_its_own() -> None:
    """An operation without variants has its own."""
    assert costs.counted_as("synchronize_note", "explicit") == "synchronize_note explicit"
    assert costs.counted_as("read_user", None) == "read_user"


COUNTED = {"read_user": 2.0, "read_many": 21.0, "session_sleep inside": 1.0, "session_sleep outside": 3.0}


@pytest.mark.parametrize(
    ("counted", "operation", "parameters", "reads", "transactions"),
    [
        (COUNTED, "read_user", {}, 20, 2.0),
        (COUNTED, "read_many", {}, 20, 21.0),  # asyncpg: each read, and one reset
        (COUNTED, "read_many", {}, 1, 2.0),
        ({"read_many": 1.0}, "read_many", {}, 20, 1.0),  # one transaction around all reads
        ({"read_many": 20.0}, "read_many", {}, 100, 100.0),  # autocommit
        (COUNTED, "session_sleep", {"sleep": "outside"}, 20, 3.0),
        (COUNTED, "session_sleep", {}, 20, 1.0),  # its scenario's default
        (COUNTED, "list_users", {}, 20, None),
        (COUNTED, "search", {}, 20, None),  # a target's own
    ],
)
def test_more_reads_make_as_many_transactions_each(
    counted: dict[str, float], operation: str, parameters: dict[str, str | int], reads: int, transactions: float | None
) -> None:
    """Everything else makes as many as were counted."""
    parameters = {"count": reads, **parameters}
    assert costs.transactions(counted, operation, parameters) == transactions


def test_many_reads_may_cost_more_than_each_of_them() -> None:
    """On psycopg, SQLAlchemy's session deallocates what its sixth read has prepared: in transactions, too."""
    psycopg = replace(default_setup("sqlalchemy_async"), driver="psycopg")
    for reads, more in ((3, 0), (5, 0), (6, 1), (20, 1)):
        cost = costs.expected(psycopg.described, "idiomatic", "read_many", times=reads)
        assert cost == Cost(reads + 2 + 2 * more, reads + 2 + more)
        assert costs.transactions({"read_many": 2.0}, "read_many", {"count": reads}, psycopg) == 1 + more
    assert costs.expected(psycopg.described, "lean", "read_many", times=20) == Cost(20, 20)
    assert costs.transactions({"read_many": 1.0}, "read_many", {}, default_setup("sqlalchemy_async")) == 1
