"""The order of cells: balanced, by chance, and the same again from the same seed."""

from collections import Counter
from itertools import pairwise

import pytest

from bench.plan import file, matrix, schedule
from bench.plan.matrix import Cell, default_setup


def cells(count: int, landmarks: int = 0) -> list[Cell]:
    setup = default_setup("asyncpg_async")
    return [
        Cell(f"cell-{number}", "point_read", setup, 10, (), once=number >= count) for number in range(count + landmarks)
    ]


def test_rounds_are_shuffled_by_the_seed() -> None:
    """The same seed gives the same order, rounds differ, and each has every cell; `once` cells come in the first."""
    planned = matrix.cells(file.read(file.find("default")))
    order = schedule.order(planned, 8, seed=1)
    assert order == schedule.order(planned, 8, seed=1)
    assert order != schedule.order(planned, 8, seed=2)
    assert len({tuple(cell.slug for cell in one_round) for one_round in order[1:]}) > 1
    assert sorted(cell.slug for cell in order[0]) == sorted(cell.slug for cell in planned)
    assert all(not cell.once for one_round in order[1:] for cell in one_round)
    assert all(len(one_round) == 4 for one_round in order[1:])


@pytest.mark.parametrize("count", range(1, 9))
def test_every_cell_is_in_every_position_equally_often(count: int) -> None:
    """Once in as many rounds as there are cells, twice in twice as many; at most once in fewer."""
    for seed in range(20):
        order = schedule.order(cells(count), 2 * count, seed)
        for rounds, times in ((count, 1), (2 * count, 2)):
            places = Counter((place, cell) for row in order[:rounds] for place, cell in enumerate(row))
            assert set(places.values()) == {times}
            assert len(places) == count**2
        assert all(len(set(row)) == count for row in order)


@pytest.mark.parametrize("count", range(2, 9))
def test_every_cell_follows_every_other_equally_often(count: int) -> None:
    """Once in the rows of one square of an even number of cells; twice in the two of an odd number."""
    rounds, times = (2 * count, 2) if count % 2 else (count, 1)
    order = schedule.order(cells(count), rounds, seed=3)
    followed = Counter(pair for row in order for pair in pairwise(row))
    assert set(followed.values()) == {times}
    assert len(followed) == count * (count - 1)


def test_fewer_rounds_are_the_beginning_of_more() -> None:
    """So a run whose rounds grow in number, or that is resumed, keeps its order; the second square is another one."""
    planned = cells(4, landmarks=1)
    more = schedule.order(planned, 12, seed=5)
    assert [schedule.order(planned, rounds, seed=5) for rounds in range(13)] == [more[:rounds] for rounds in range(13)]
    assert [set(more[start : start + 4]) for start in (4, 8)] != [set(more[4:8])] * 2


def test_a_landmark_may_come_anywhere_in_the_first_round() -> None:
    """Each of its six places about as often: 600 orders, 100 +- 4 standard errors each."""
    planned = cells(5, landmarks=1)
    first = [schedule.order(planned, 1, seed)[0] for seed in range(600)]
    found = Counter(row.index(planned[5]) for row in first)
    assert all(abs(found[place] - 100) < 4 * (600 * 1 / 6 * 5 / 6) ** 0.5 for place in range(6))
    assert {len(row) for row in first} == {6}


def test_rows_come_in_random_order() -> None:
    """Every cell is first in the first round about as often: 600 orders, 150 +- 4 standard errors each."""
    planned = cells(4)
    found = Counter(schedule.order(planned, 1, seed)[0][0] for seed in range(600))
    assert all(abs(found[cell] - 150) < 4 * (600 * 1 / 4 * 3 / 4) ** 0.5 for cell in planned)


def test_one_cell_is_rarely_measured_twice_in_succession() -> None:
    """A burst of noise would disturb both. It cannot be helped where only one row of a square is left."""
    order = [row for seed in range(100) for row in schedule.order(cells(4), 10, seed)]
    runs = [order[start : start + 10] for start in range(0, len(order), 10)]
    repeats = sum(before[-1] == after[0] for run in runs for before, after in pairwise(run))
    assert repeats / (9 * len(runs)) < 0.08  # 25% by chance


def test_one_cell_alone_and_none() -> None:
    """A plan of a landmark alone has a round that repeats nothing."""
    [only] = cells(1)
    assert schedule.order([only], 3, seed=1) == ((only,), (only,), (only,))
    landmark = cells(0, landmarks=1)
    assert schedule.order(landmark, 2, seed=1) == ((landmark[0],), ())


def test_blocks_have_a_slice_of_every_cell_in_a_new_order() -> None:
    """The same again from the same seed, and balanced over as many blocks as there are cells."""
    four = cells(4)
    made = schedule.blocks(four, 8, "7/1/0")
    assert made == schedule.blocks(four, 8, "7/1/0") != schedule.blocks(four, 8, "7/2/0")
    assert all(sorted(one.slug for one in block) == [one.slug for one in four] for block in made)
    for half in (made[:4], made[4:]):
        assert set(Counter((place, one) for block in half for place, one in enumerate(block)).values()) == {1}
    assert schedule.blocks(four[:1], 3, "1") == (tuple(four[:1]),) * 3
