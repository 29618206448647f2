"""Memory costs in a terminal, and as memory.csv."""

from dataclasses import replace

from bench.analysis.profiling.memory import MemoryCost
from bench.report.terminal import memory_table
from tests.unit.report.terminal.lines_of import lines

CONNECTION = MemoryCost("psycopg2_sync", "connection", (5, 10, 20), 0.0123, -0.02, 0.0446, 1.5, 1.25, 1.75)
WORKER = MemoryCost("psycopg2_sync", "worker", (1, 2, 3), 55.25, 54.0, 56.5, None, None, None)


def cells(*found: MemoryCost) -> list[list[str]]:
    return [line.split("  ") for line in lines(memory_table.table(found))]


def words(*found: MemoryCost) -> list[list[str]]:
    """The cells of each line that has any."""
    return [kept for line in cells(*found) if (kept := [cell.strip() for cell in line if cell.strip(" ─")])]


def test_each_cost_has_its_interval() -> None:
    """What was not seen in PostgreSQL says so."""
    assert words(CONNECTION, WORKER) == [
        ["one more", "service, MB (95% CI)", "PostgreSQL, MB (95% CI)", "measured with"],
        ["connection", "0.0123 (-0.02 .. 0.0446)", "1.5 (1.25 .. 1.75)", "5, 10 and 20 connections"],
        ["worker", "55.2 (54 .. 56.5)", "not seen", "1, 2 and 3 workers"],
    ]


def test_several_services_have_their_names_above_their_costs() -> None:
    shown = words(CONNECTION, WORKER, replace(CONNECTION, service="asyncpg_async"))
    assert [line[0] for line in shown] == [
        "one more",
        "psycopg2_sync",
        "connection",
        "worker",
        "asyncpg_async",
        "connection",
    ]


def test_the_csv_has_a_row_a_cost() -> None:
    assert memory_table.csv_text([CONNECTION, WORKER]).splitlines() == [
        "service,of,points,service_mb_each,ci_low,ci_high,database_mb_each,database_ci_low,database_ci_high",
        "psycopg2_sync,connection,5 10 20,0.0123,-0.02,0.0446,1.5,1.25,1.75",
        "psycopg2_sync,worker,1 2 3,55.25,54.0,56.5,,,",
    ]
