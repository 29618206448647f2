"""How wide intervals will be, and what a time budget is best spent on: against simulation and brute force."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import stdtrit

from bench.analysis.intervals import values_needed
from bench.analysis.precision import planning
from bench.analysis.precision.components import Components
from bench.analysis.precision.planning import Costs, Proposal


def of(rounds_sd: float, blocks_sd: float) -> Components:
    return Components(rounds_sd**2, blocks_sd**2, rounds_sd**2, 10, 100)


NOISY = of(0.01, 0.03)
COSTS = Costs(round_s=15.0, block_s=4.5)


@pytest.mark.parametrize(("rounds", "slices", "pairs"), [(2, 5, 1), (5, 10, 3), (8, 1, 6)])
def test_the_predicted_width_is_that_of_simulated_runs(rounds: int, slices: int, pairs: int) -> None:
    """The mean over 20,000 runs of K blocks in each of R rounds, within 2%."""
    chance = np.random.default_rng(rounds)
    blocks = chance.normal(0, 0.03, (20_000, rounds, slices)) + chance.normal(0, 0.01, (20_000, rounds, 1))
    spread = blocks.mean(axis=2).std(axis=1, ddof=1)
    widths = stdtrit(rounds - 1, 1 - 0.05 / pairs / 2) * spread / math.sqrt(rounds)
    assert planning.half_width(NOISY, rounds, slices, pairs) == pytest.approx(widths.mean(), rel=0.02)


def brute(found: list[Components], costs: Costs, budget_s: float, pairs: int) -> Proposal | None:
    """Every number of rounds and slices that fits."""
    fitting = [
        Proposal(
            rounds,
            slices,
            max(planning.half_width(one, rounds, slices, pairs) for one in found),
            costs.of(rounds, slices),
        )
        for rounds, slices in product(range(2, 100), range(1, 1000))
        if costs.of(rounds, slices) <= budget_s
    ]
    return min(fitting, key=lambda one: (one.half_width, one.rounds), default=None)


@pytest.mark.parametrize("budget_s", [38.0, 60.0, 360.0, 1800.0])
@pytest.mark.parametrize(
    "found", [[NOISY], [of(0.0, 0.03)], [of(0.03, 0.001)], [of(0.02, 0.01), of(0.001, 0.08)]], ids=str
)
def test_the_best_plan_is_the_one_that_brute_force_finds(found: list[Components], budget_s: float) -> None:
    """From calm rounds to calm blocks; where nothing fits, there is none."""
    expected = brute(found, COSTS, budget_s, 3)
    assert planning.best(found, COSTS, budget_s, 3) == expected
    assert (expected is None) == (budget_s < 39.0)


def test_all_of_a_budget_is_used() -> None:
    """One that is exactly that of a plan is enough for it."""
    found = planning.best([of(0.0, 0.03)], COSTS, COSTS.of(5, 7), 1)
    assert found is not None
    assert found.takes_s <= COSTS.of(5, 7)
    assert planning.best([of(0.0, 0.03)], Costs(0.1, 0.1), 2 * (0.1 + 0.1 * 3), 1) is not None


def test_the_optimum_of_slices_has_the_least_variance_in_a_given_time() -> None:
    """Kalibera and Jones's formula against the minimum of time x variance; as many as fit where rounds are equal."""
    optimum = planning.optimum_slices(NOISY, COSTS)
    assert optimum == pytest.approx(math.sqrt(15 / 4.5 * 0.0009 / 0.0001))

    def cost(slices: float) -> float:
        return (COSTS.round_s + slices * COSTS.block_s) * (NOISY.between_rounds + NOISY.between_blocks / slices)

    assert cost(optimum) < min(cost(optimum * 0.99), cost(optimum * 1.01))
    assert planning.optimum_slices(of(0.0, 0.03), COSTS) == math.inf


def test_the_best_plan_for_much_time_has_the_optimum_of_slices() -> None:
    """Where t no longer matters; with little time, fewer and longer rounds would cost too much t, not too much time."""
    long = planning.best([NOISY], COSTS, 60 * (COSTS.round_s + 5 * COSTS.block_s), 3)
    short = planning.best([NOISY], COSTS, 180.0, 3)
    assert long is not None
    assert short is not None
    assert abs(long.slices - planning.optimum_slices(NOISY, COSTS)) <= 1
    assert short.slices < long.slices
    assert short.rounds > 180.0 / (COSTS.round_s + long.slices * COSTS.block_s)


def test_rounds_expected_are_those_that_the_first_stage_will_say() -> None:
    """The rule of --precision, on average over 2,000 simulated first stages of six rounds, within 5%."""
    chance = np.random.default_rng(2)
    first = chance.normal(0, math.sqrt(NOISY.of_round(10)), (2000, 6))
    needed = [values_needed(one, 1 - 0.05 / 3, math.log(1.01)) for one in first.tolist()]
    expected = planning.rounds_expected([NOISY, of(0.001, 0.001)], 10, 6, 0.01, 3)
    assert expected == pytest.approx(np.mean(needed), rel=0.05)
    assert planning.rounds_expected([NOISY], 10, 6, 0.5, 3) == 6


@pytest.mark.parametrize(("done", "most", "left"), [(4, 99, 16), (4, 10, 6), (20, 99, 0), (30, 99, 0)])
def test_rounds_that_are_left(done: int, most: int, left: int) -> None:
    """Of 20 expected, of which the plan may allow fewer; never fewer than none. Minutes are the costs of so many."""
    found = of(math.sqrt(20) * math.log(1.02) / float(stdtrit(5, 0.975)) * 0.999, 0.0)
    assert planning.rounds_left([found], 10, 6, 0.02, 1, done=done, most=most) == left
    assert COSTS.of(left, 10) == left * 60.0
