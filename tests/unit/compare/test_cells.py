"""Which cells are the same in two runs, and how they are named."""

from dataclasses import replace

from bench.compare import cells
from bench.compare.cells import OperationFigures
from tests.unit.compare.document_of import KEYS

CELL = ("point_read", "asyncpg_async", *KEYS)
OTHER = ("point_read", "psycopg2_sync", *KEYS)


def of(cell: tuple[str, ...]) -> OperationFigures:
    return OperationFigures(cell, "all", "VALID", {})


def test_cells_are_named_by_what_sets_them_apart() -> None:
    """Parameters included; and the cells that only one run has are named."""
    more = (*CELL[:6], "threads=80", *CELL[7:])
    name_of = cells.named([CELL, more])
    assert [name_of(one) for one in (CELL, more)] == ["asyncpg_async, threads 40", "asyncpg_async, threads 80"]
    assert cells.named([CELL])(CELL) == "asyncpg_async"
    old, new = [of(CELL), of(more)], [of(CELL), of(OTHER)]
    assert [[one.identity for one in part] for part in cells.only(old, new)] == [[more], [OTHER]]


def test_a_targets_row_is_its_name() -> None:
    """It has no pool and no profile, which sets no service apart from the others."""
    target = ("point_read", "mine", "", "", "", "", "", "closed", "1000")
    name_of = cells.named([CELL, OTHER, target])
    assert [name_of(one) for one in (CELL, OTHER, target)] == ["asyncpg_async", "psycopg2_sync", "mine"]


def test_a_landmark_need_not_be_in_both_runs() -> None:
    """It is measured where a plan asks for it, and compared where both runs have it."""
    assert cells.only([of(CELL), replace(of(OTHER), once=True)], [of(CELL)]) == ([], [])


def test_figures_are_known_by_the_number_of_their_round() -> None:
    """Rounds that were left out have a gap; a figure that is unknown or zero is none."""
    one = OperationFigures(CELL, "all", "VALID", {}, {"throughput_rps": (1.0, None, 3.0, 0.0)}, 4, numbers=(1, 2, 4, 5))
    assert one.by_round("throughput_rps") == {1: 1.0, 4: 3.0}
    assert OperationFigures(CELL, "all", "VALID", {}, {"throughput_rps": (1.0, 2.0)}).by_round("throughput_rps") == {
        1: 1.0,
        2: 2.0,
    }
    assert OperationFigures(CELL, "all", "VALID", {}, {}, 4, numbers=(1, 2, 4, 5)).by_round("latency_p50_ms") == {}
    assert one.service == "asyncpg_async"
