"""Components of variance of a run's own slices, and what a precision then takes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.outcome import Outcome
from bench.analysis.precision import spread
from bench.analysis.slices.figures import Slice
from bench.plan import matrix
from bench.plan.model import Matrix, Plan, Rounds
from tests.unit.analysis.outcome_of import measured

SERVICES = ["asyncpg_async", "psycopg2_sync", "databases_async"]
ROUNDS, SLICES = 40, 30
ROUNDS_SD, BLOCKS_SD = 0.02, 0.05


def outcome(baseline: str = "") -> Outcome:
    """A run whose cells differ by chance between rounds and between blocks; one slice of one cell was left out."""
    chance = np.random.default_rng(3)
    plan = Plan(matrix=Matrix(scenarios=["point_read"], services=SERVICES), rounds=Rounds(slices=SLICES))
    made = Outcome(plan.verdict, matrix.cells(plan), first_stage=10, baseline=baseline)
    for number in range(ROUNDS):
        for cell in made.cells:
            one = measured(1000)
            own = chance.normal(0, ROUNDS_SD / math.sqrt(2))
            rates = 1e6 * np.exp(own + chance.normal(0, BLOCKS_SD / math.sqrt(2), SLICES))
            slices = tuple(
                Slice(block, block, 1.0, int(rate), int(rate), 0.9)
                for block, rate in enumerate(rates, 1)
                if (number, cell.service, block) != (1, SERVICES[1], 2)
            )
            made.add(cell, replace(one, evidence=replace(one.evidence, slices=slices, slices_planned=SLICES)))
    return made


def test_the_components_are_those_of_the_slices() -> None:
    """Of each pair, by its cells; CPU time per request is the reverse of throughput where the CPU is always as busy."""
    found = spread.of_pairs(outcome())
    assert list(found) == [(one, other) for number, one in enumerate(SERVICES) for other in SERVICES[number + 1 :]]
    for one in found.values():
        assert math.sqrt(one.between_rounds) == pytest.approx(ROUNDS_SD, rel=0.4)
        assert math.sqrt(one.between_blocks) == pytest.approx(BLOCKS_SD, rel=0.1)
        assert one.rounds == ROUNDS
    assert {one.blocks for one in found.values()} == {ROUNDS * SLICES, ROUNDS * SLICES - 1}
    of_cpu = spread.of_pairs(outcome(), spread.cpu_s_per_request)
    for pair, one in of_cpu.items():
        assert one.between_blocks == pytest.approx(found[pair].between_blocks, rel=1e-3)


def test_with_a_baseline_its_pairs_are_looked_at() -> None:
    """As in the tables."""
    found = spread.of_pairs(outcome("psycopg2_sync"))
    assert list(found) == [("psycopg2_sync", "asyncpg_async"), ("psycopg2_sync", "databases_async")]


def test_how_many_rounds_a_precision_takes() -> None:
    """More for a narrower interval; at least the first stage; unknown without slices or a precision."""
    made = outcome()
    wide, narrow = (spread.rounds(made, SLICES, precision) for precision in (0.5, 0.01))
    assert wide == 10
    assert narrow is not None
    assert narrow > 30
    assert spread.rounds(replace(made, first_stage=None), SLICES, 0.01) is None
    bare = Outcome(made.limits, made.cells, first_stage=10)
    for cell in made.cells:
        bare.add_all(cell, [measured(1000)] * 3)
    assert spread.rounds(bare, SLICES, 0.01) is None
