"""The order of cells: by chance, and the same again from the same seed."""

from bench.plan import file, matrix, schedule


def test_rounds_are_shuffled_by_the_seed() -> None:
    """The same seed gives the same order, rounds differ, and each has every cell; `once` cells come in the first."""
    cells = matrix.cells(file.read(file.find("default")))
    order = schedule.order(cells, 8, seed=1)
    assert order == schedule.order(cells, 8, seed=1)
    assert order != schedule.order(cells, 8, seed=2)
    assert len({tuple(cell.slug for cell in one_round) for one_round in order[1:]}) > 1
    assert sorted(cell.slug for cell in order[0]) == sorted(cell.slug for cell in cells)
    assert all(not cell.once for one_round in order[1:] for cell in one_round)
    assert all(len(one_round) == 4 for one_round in order[1:])
