"""Differences that a plan asks for, that a library brings along, and those that nobody can explain."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.analysis import parity
from bench.analysis.parity import ParityFacts, ParityRow
from bench.plan.matrix import Setup, default_setup
from bench.report.terminal import parity_table
from bench.store import files, stored
from suite import catalogue, csv_writing
from suite.service import Service

PLAIN = ParityFacts(
    profile="idiomatic",
    server="gunicorn",
    workers=1,
    event_loop="uvloop",
    http_parser="httptools",
    pool_size=10,
    pool_overflow=0,
    pool_timeout_s=30.0,
    connections=10,
    pool_policy="LIFO",
    protocol="extended, prepared once",
    transaction="autocommit",
    isolation="read committed",
    session="client_encoding=utf-8",
    encryption="none",
    versions={"python": "3.11.7", "asyncpg": "0.32.0"},
)
ASYNCPG, DATABASES, SQLALCHEMY, PSYCOPG2, NONE = (
    default_setup(name)
    for name in ("asyncpg_async", "databases_async", "sqlalchemy_async", "psycopg2_sync", "no_database")
)


def differences(facts: Mapping[Setup, ParityFacts]) -> list[str]:
    """The lines of what differs, a yellow one marked."""
    found = parity_table.lines(parity.rows(facts))
    return [f"{'! ' if line.style == 'yellow' else ''}{line.plain}" for line in found]


def test_services_that_are_alike_differ_in_nothing() -> None:
    """One line says so; libraries that only one service has, and what is not known, are not compared."""
    facts = {ASYNCPG: PLAIN, DATABASES: replace(PLAIN, isolation=None, versions={"python": "3.11.7", "databases": "1"})}
    assert differences(facts) == [parity_table.NONE]
    assert differences({}) == []


def test_a_library_explains_its_own() -> None:
    """Each service.toml gives the value as its library's."""
    facts = {ASYNCPG: PLAIN, DATABASES: PLAIN, SQLALCHEMY: replace(PLAIN, pool_policy="FIFO")}
    said = "pool_policy is LIFO with asyncpg_async, databases_async; FIFO with sqlalchemy_async"
    assert differences(facts) == [f"parity, library: {said}"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"isolation": "serializable"}, "isolation is serializable with asyncpg_async; read committed with others"),
        ({"event_loop": "asyncio"}, "event_loop is asyncio with asyncpg_async; the plan says uvloop"),
        ({"http_parser": "h11"}, "http_parser is h11 with asyncpg_async; httptools with others"),
        ({"session": "jit=off"}, "session is jit=off with asyncpg_async; client_encoding=utf-8 with others"),
        ({"encryption": "TLSv1.3, A"}, "encryption is TLSv1.3, A with asyncpg_async; none with others"),
        ({"workers": 2}, "workers is 2 with asyncpg_async; the plan says 1"),
        ({"connections": 20}, "connections is 20 with asyncpg_async; the plan says 10"),
        ({"pool_timeout_s": 0.5}, "pool_timeout_s is 0.5 with asyncpg_async; the plan says 30"),
        ({"gc": "disabled"}, "gc is disabled with asyncpg_async; the plan says default"),
        ({"profile": "lean"}, "profile is lean with asyncpg_async; the plan says idiomatic"),
        (
            {"versions": {"python": "3.11.7", "asyncpg": "0.31.0"}},
            "version of asyncpg is 0.31.0 with asyncpg_async; 0.32.0 with others",
        ),
    ],
)
def test_what_nobody_explains_is_named(changed: dict[str, object], said: str) -> None:
    """With its values and services, as a warning; what is right is told from what is wrong only where the plan says."""
    facts = {
        ASYNCPG: replace(PLAIN, **changed),  # type: ignore[arg-type]  # by name
        DATABASES: PLAIN,
        SQLALCHEMY: PLAIN,
        NONE: ParityFacts(profile="idiomatic", server="gunicorn", workers=1, versions={"python": "3.11.7"}),
    }
    assert differences(facts) == [
        f"! parity, not asked for: {said.replace('others', 'databases_async, sqlalchemy_async')}"
    ]


def test_a_declaration_explains_its_value_only() -> None:
    """SQLAlchemy's pool is declared FIFO and asyncpg's LIFO: turned round, neither is explained."""
    facts = {ASYNCPG: replace(PLAIN, pool_policy="FIFO"), SQLALCHEMY: replace(PLAIN, pool_policy="LIFO")}
    assert differences(facts) == [
        "! parity, not asked for: pool_policy is FIFO with asyncpg_async; LIFO with sqlalchemy_async"
    ]


def test_a_declaration_may_follow_the_setup() -> None:
    """psycopg2's pool opens its overflow at start: just so many connections are its own, no more."""
    setup = replace(PSYCOPG2, pool_overflow=5)
    facts = replace(PLAIN, pool_overflow=5, connections=15)
    assert differences({setup: facts}) == ["parity, library: connections is 15 with psycopg2_sync; the plan says 10"]
    assert differences({setup: replace(facts, connections=16)}) == [
        "! parity, not asked for: connections is 16 with psycopg2_sync; the plan says 10"
    ]


def test_what_the_plan_varies_is_no_difference() -> None:
    """An axis of pool sizes; two profiles, which are about transactions and about nothing else."""
    lean, idle = replace(ASYNCPG, profile="lean"), replace(PLAIN, profile="lean")
    five, ten = replace(SQLALCHEMY, pool_size=5), SQLALCHEMY
    opened = replace(PLAIN, transaction="BEGIN .. ROLLBACK")
    assert differences({five: replace(opened, pool_size=5, connections=5), ten: opened, lean: idle}) == [
        parity_table.NONE
    ]
    assert differences({ten: opened, lean: replace(idle, isolation="serializable")}) == [
        "! parity, not asked for: isolation is read committed with sqlalchemy_async; serializable with asyncpg_async"
    ]


def test_settings_for_a_pooler_have_facts_of_their_own() -> None:
    """Declared for them. They are held against other setups that have them, and against no others."""
    asyncpg, psycopg2 = (replace(one, pooler="transaction") for one in (ASYNCPG, PSYCOPG2))
    unnamed = replace(PLAIN, pooler="transaction", protocol="extended, unnamed")
    assert differences({ASYNCPG: PLAIN, asyncpg: unnamed}) == [parity_table.NONE]
    simple = replace(unnamed, protocol="simple query")
    said = "extended, unnamed with asyncpg_async; simple query with psycopg2_sync"
    assert differences({asyncpg: unnamed, psycopg2: simple}) == [f"parity, library: protocol is {said}"]
    kept = replace(unnamed, protocol="extended, prepared once")
    [line] = differences({asyncpg: kept, psycopg2: simple})
    assert line.startswith("! parity, not asked for: protocol is extended, prepared once")
    assert differences({asyncpg: replace(unnamed, pooler="none")}) == [
        "! parity, not asked for: pooler is none with asyncpg_async; the plan says transaction"
    ]


def test_a_profile_is_named_where_a_service_differs_in_one_only() -> None:
    """In the other profile, all are alike."""
    lean = {replace(one, profile="lean"): replace(PLAIN, profile="lean") for one in (ASYNCPG, PSYCOPG2)}
    facts = {ASYNCPG: PLAIN, PSYCOPG2: replace(PLAIN, transaction="BEGIN .. COMMIT"), **lean}
    said = "autocommit with asyncpg_async (idiomatic); BEGIN .. COMMIT with psycopg2_sync (idiomatic)"
    assert differences(facts) == [f"parity, library: transaction is {said}"]


def test_rows_say_everything_and_come_back_from_the_file(tmp_path: Path) -> None:
    """One a fact and setup, with what the plan asks, whose doing a difference is, and why."""
    facts = {ASYNCPG: PLAIN, SQLALCHEMY: replace(PLAIN, pool_policy="FIFO", connections=11)}
    rows = parity.rows(facts)
    assert len(rows) == 2 * 17
    fifo = "the engine's QueuePool hands out the connection that has been free longest"
    lifo = "the pool keeps free connections in a LifoQueue"
    for row in (
        ParityRow("connections", "asyncpg_async", "idiomatic", "10", "10", "", ""),
        ParityRow("connections", "sqlalchemy_async", "idiomatic", "11", "10", "not asked for", ""),
        ParityRow("pool_policy", "asyncpg_async", "idiomatic", "LIFO", "", "library", lifo),
        ParityRow("pool_policy", "sqlalchemy_async", "idiomatic", "FIFO", "", "library", fifo),
        ParityRow("version of python", "asyncpg_async", "idiomatic", "3.11.7", "", "", ""),
    ):
        assert row in rows
    files.write_whole(tmp_path / "parity.csv", csv_writing.csv_text(parity.COLUMNS, map(asdict, rows)))
    assert stored.parity(tmp_path / "parity.csv") == rows
    assert stored.parity(tmp_path / "none.csv") == ()


TABLE = """\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ as observed                  ┃ pool_policy ┃ transaction       ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ asyncpg_async (idiomatic)    │ LIFO        │ autocommit        │
│ sqlalchemy_async (idiomatic) │ FIFO        │ BEGIN .. ROLLBACK │
└──────────────────────────────┴─────────────┴───────────────────┘
the same wherever there is one: profile idiomatic, server gunicorn, workers 1, event_loop uvloop, http_parser httptools,
pool_size 10, pool_overflow 0, pool_timeout_s 30, connections 10, protocol extended, prepared once, isolation read
committed, session client_encoding=utf-8, encryption none, python 3.11.7
"""


def test_the_table_shows_what_varies() -> None:
    """A row a setup that has any of it; below it what is the same."""
    facts = {
        SQLALCHEMY: replace(PLAIN, pool_policy="FIFO", transaction="BEGIN .. ROLLBACK", versions={"python": "3.11.7"}),
        ASYNCPG: PLAIN,
        NONE: ParityFacts(profile="idiomatic", server="gunicorn", workers=1),
    }
    console = Console(width=120, record=True, force_terminal=False)
    with console.capture() as printed:
        console.print(parity_table.table(parity.rows(facts)), highlight=False)
    assert "\n".join(line.rstrip() for line in printed.get().splitlines()) + "\n" == TABLE


@pytest.mark.parametrize("service", catalogue.services().values(), ids=lambda one: one.name)
def test_services_declare_facts_that_are_compared(service: Service) -> None:
    """Under their right names, with a reason; and never what a plan decides."""
    assert set(service.own) <= set(parity.FACTS) - set(parity.ASKED)
    assert all(own.value and own.why for own in service.own.values())


def test_every_fact_is_explained() -> None:
    """docs/methodology.md has a row for each, results/README.md one for each column of the file."""
    page = (catalogue.CHECKOUT / "docs" / "methodology.md").read_text()
    section = page[page.index("## Parity") :]
    for fact in parity.FACTS:
        assert f"`{fact}`" in section, fact
    listed = (catalogue.CHECKOUT / "results" / "README.md").read_text()
    section = listed[listed.index("## parity.csv") :]
    for column in fields(ParityRow):
        assert f"`{column.name}`" in section, column.name
