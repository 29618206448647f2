"""Simulated rounds of slices: equal services on a machine that is noisy, drifts and is disturbed in bursts.

A slice is a second. One long window of each cell in a round, as it was before, is that many seconds in a row. So both
have the same noise, and differ only in when each cell is measured.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.plan import schedule
from bench.plan.matrix import Cell, default_setup

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Noise:
    """Of the logarithm of a ratio of two cells, and of the machine that both share. Standard deviations, unless said.

    The defaults are measured (docs/methodology.md, "Components of variance"): rounds did not differ by more than their
    blocks explain, and the pooled ratio of twelve blocks varied by 2.0%, so that of one by 7.0%.
    """

    between_rounds: float = 0.0
    between_blocks: float = 0.070
    wander: float = 0.0
    """Of the machine's speed after one second; it grows with the square root of time."""
    wave: float = 0.0
    """How much faster and slower it becomes, as a share, in one to five minutes."""
    bursts_per_minute: float = 0.0
    """Each lasts 0.3 to 20 s, short ones are more frequent, and slows everything by SLOWDOWN."""


QUIET = Noise()
DRIFTING = Noise(wander=0.003, wave=0.05)
BURSTY = Noise(bursts_per_minute=1.5)
SLOWDOWN, SHORTEST_S, LONGEST_S = 0.2, 0.3, 20.0
ROUNDS_DRAWN = 2000  # each round of each table has the order of one of these


@dataclass(frozen=True)
class Layout:
    """When what is measured, in seconds: a round is `overhead_s`, and then each cell has `slices` slices of a second.

    `turn_s`: what it takes to give the next cell its turn, beside its slice.
    """

    rounds: int
    slices: int
    cells: int
    overhead_s: float = 20.0
    turn_s: float = 0.2

    def begin(self, round_s: float) -> Floats:
        """When the first slice of each round begins."""
        return np.asarray(self.overhead_s + round_s * np.arange(self.rounds)[:, None, None])

    def in_turns(self, tables: int, chance: np.random.Generator) -> Floats:
        """Starts of slices, tables x rounds x blocks x cells: in every block each cell once, in the suite's order."""
        block_s = self.cells * (1 + self.turn_s)
        drawn = places_of(self.cells, self.slices)
        places = drawn[chance.integers(0, len(drawn), (tables, self.rounds))]
        begin = self.begin(self.overhead_s + self.slices * block_s)
        return np.asarray(begin + block_s * np.arange(self.slices)[:, None] + (1 + self.turn_s) * places)


def in_windows(layout: Layout, places: Floats, turn_s: float) -> Floats:
    """The same of windows, in the order of `places` (tables x rounds x cells), with `turn_s` after each."""
    begin = layout.begin(layout.overhead_s + layout.cells * (layout.slices + turn_s))
    window = begin + (layout.slices + turn_s) * places[:, :, None, :]
    return np.asarray(window + np.arange(layout.slices)[:, None])


@cache
def places_of(cells: int, blocks: int) -> Numbers:
    """The place of each cell in each block, by the suite's own order: ROUNDS_DRAWN rounds x blocks x cells."""
    setup = default_setup("asyncpg_async")
    named = [Cell(str(number), "", setup, 1, (), once=False) for number in range(cells)]
    drawn = [
        [[int(cell.slug) for cell in block] for block in schedule.blocks(named, blocks, f"{seed}")]
        for seed in range(ROUNDS_DRAWN)
    ]
    return np.argsort(np.array(drawn), axis=2)


def logarithms(starts: Floats, noise: Noise, chance: np.random.Generator) -> Floats:
    """ln of each cell's requests/s in each round, all slices together: tables x rounds x cells."""
    return np.asarray(np.log(np.exp(of_slices(starts, noise, chance)).mean(axis=2)))


def of_slices(starts: Floats, noise: Noise, chance: np.random.Generator) -> Floats:
    """ln of the requests/s of each slice, of services that do not differ: as many as there are starts."""
    tables, rounds, _, cells = starts.shape
    made = chance.normal(0, noise.between_blocks / math.sqrt(2), starts.shape)
    made += chance.normal(0, noise.between_rounds / math.sqrt(2), (tables, rounds, 1, cells))
    made += _wandering(starts, noise, chance)
    return np.asarray(made + np.log(1 - SLOWDOWN * _in_bursts(starts, noise, chance)))


def _wandering(starts: Floats, noise: Noise, chance: np.random.Generator) -> Floats:
    """ln of the machine's speed, the same for whatever runs in that second."""
    tables, seconds = len(starts), int(starts.max()) + 2
    made = np.zeros(starts.shape)
    if noise.wander:
        walk = chance.normal(0, noise.wander, (tables, seconds)).cumsum(axis=1)
        each = (starts + 0.5).astype(np.int64).reshape(tables, -1)
        made += np.take_along_axis(walk, each, axis=1).reshape(starts.shape)
    if noise.wave:
        period, phase = (chance.uniform(low, high, (tables, 1, 1, 1)) for low, high in ((60, 300), (0, 2 * math.pi)))
        made += noise.wave * np.sin(2 * math.pi * starts / period + phase)
    return made


def _in_bursts(starts: Floats, noise: Noise, chance: np.random.Generator) -> Floats:
    """Which share of each slice lies in a burst, at most all of it."""
    tables, length_s = len(starts), float(starts.max()) + 1
    made = np.zeros(starts.shape)
    for _ in range(round(noise.bursts_per_minute * (length_s + LONGEST_S) / 60)):
        begin = chance.uniform(-LONGEST_S, length_s, (tables, 1, 1, 1))
        end = begin + np.exp(chance.uniform(math.log(SHORTEST_S), math.log(LONGEST_S), (tables, 1, 1, 1)))
        made += np.clip(np.minimum(starts + 1, end) - np.maximum(starts, begin), 0, 1)
    return np.minimum(made, 1)
