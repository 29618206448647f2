"""In which order cells are measured: balanced over the rounds, by chance, the same again from the same seed.

A machine that becomes slower during a run would make a cell that often comes last look slow. So rounds are rows of
Latin squares: after as many rounds as there are cells, each was in every position once. Source of the squares:
Williams, "Experimental designs balanced for the estimation of residual effects of treatments", Australian Journal of
Scientific Research A 2 (1949), 149-168.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from bench.plan.matrix import Cell


def order(cells: Sequence[Cell], rounds: int, seed: int) -> tuple[tuple[Cell, ...], ...]:
    """Every cell once a round. The order of fewer rounds is the beginning of that of more.

    Cells marked `once` are in the first round only, each at a random place.
    """
    chance = random.Random(seed)  # noqa: S311  # an order, not a secret
    repeated, landmarks = ([cell for cell in cells if cell.once is once] for once in (False, True))
    places = [chance.randrange(len(repeated) + number + 1) for number in range(len(landmarks))]
    scheduled = [list(row) for row in islice(_rows(repeated, chance), rounds)]
    if scheduled:
        for place, landmark in zip(places, landmarks, strict=True):
            scheduled[0].insert(place, landmark)
    return tuple(map(tuple, scheduled))


def blocks(cells: Sequence[Cell], count: int, seed: str) -> tuple[tuple[Cell, ...], ...]:
    """So many blocks, each with one slice of every cell, in an order that is balanced over the blocks."""
    chance = random.Random(seed)  # noqa: S311  # an order, not a secret
    return tuple(islice(_rows(cells, chance), count))


def _rows(cells: Sequence[Cell], chance: random.Random) -> Iterator[tuple[Cell, ...]]:
    """Rows of one random Latin square after the other, without end.

    Where it can be helped, a row does not begin with the cell that the row before ended with: one burst of noise would
    disturb two rounds of the same cell. Two cells are free of that, because it would leave nothing to chance.
    """
    last = None
    while True:
        labels = chance.sample(cells, len(cells))
        for square in _squares(len(labels)):
            left = chance.sample(square, len(square)) or [()]
            while left:
                others = [row for row in left if labels[row[0]] is not last] if len(labels) > 2 else []
                row = (others or left)[0]
                left.remove(row)
                yield tuple(labels[number] for number in row)
                last = labels[row[-1]] if row else None


def _squares(count: int) -> list[list[tuple[int, ...]]]:
    """Latin squares of numbers, as rows: one if `count` is even, two otherwise.

    In all of their rows together, every number directly follows every other equally often.
    """
    first = [place // 2 + 1 if place % 2 else -(place // 2) for place in range(count)]  # 0, 1, -1, 2, -2, ..
    square = [tuple((number + shift) % count for number in first) for shift in range(count)]
    return [square, [row[::-1] for row in square]] if count % 2 else [square]
