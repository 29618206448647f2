"""Layers in a terminal."""

from bench.report.terminal import layers_table
from tests.unit.analysis.profiling.profile_of import DRIVER, FAILED, WITH_ORM, cell, of_round
from tests.unit.report.terminal.lines_of import lines


def test_the_table_fits_the_number_of_cells() -> None:
    """One: parts and shares. Two: differences and a sentence. More: a column each. None: why."""
    one, two = (lines(layers_table.table("point_read", cells)) for cells in ([DRIVER], [DRIVER, WITH_ORM]))
    assert any("share" in line for line in one)
    assert any("difference" in line for line in two)
    assert any(line.startswith("sqlalchemy_async takes 0.355 ms more") for line in two)
    more = lines(layers_table.table("point_read", [DRIVER, WITH_ORM, cell("peewee_sync", of_round(1, 1, 1))]))
    heading = next(line for line in more if "layer" in line)
    assert [name in heading for name in ("asyncpg_async", "sqlalchemy_async", "peewee_sync")] == [True] * 3
    assert lines(layers_table.table("point_read", [FAILED])) == ["psycopg2_sync: no layers: not allowed"]
