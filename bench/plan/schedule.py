"""In which order cells are measured: random in every round, the same again from the same seed."""

import random
from collections.abc import Sequence

from bench.plan.matrix import Cell


def order(cells: Sequence[Cell], rounds: int, seed: int) -> tuple[tuple[Cell, ...], ...]:
    """Every cell once a round, shuffled in each; cells marked `once` are in the first round only."""
    chance = random.Random(seed)  # noqa: S311  # an order, not a secret
    scheduled = []
    for number in range(rounds):
        this_round = [cell for cell in cells if number == 0 or not cell.once]
        chance.shuffle(this_round)
        scheduled.append(tuple(this_round))
    return tuple(scheduled)
