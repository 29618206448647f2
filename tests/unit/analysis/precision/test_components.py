"""Components of variance: against figures by hand, and against simulated rounds whose truth is known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.analysis.precision import components
from bench.analysis.precision.components import Components

SETS = 4000
ROUNDS_SD, BLOCKS_SD = 0.01, 0.03
RAGGED = (12, 3, 7, 1, 10)


def drawn(chance: np.random.Generator, counts: tuple[int, ...], rounds_sd: float) -> list[list[float]]:
    """Log ratios of rounds with so many blocks, around a ratio of 1.2."""
    return [
        (math.log(1.2) + chance.normal(0, rounds_sd) + chance.normal(0, BLOCKS_SD, count)).tolist() for count in counts
    ]


def estimates(counts: tuple[int, ...], rounds_sd: float = ROUNDS_SD) -> NDArray[np.float64]:
    """Between rounds as estimated, between rounds, between blocks; of SETS simulated runs."""
    chance = np.random.default_rng(len(counts))
    found = [components.estimate(drawn(chance, counts, rounds_sd)) for _ in range(SETS)]
    return np.array([(one.as_estimated, one.between_rounds, one.between_blocks) for one in found if one])


def within_its_error(values: NDArray[np.float64], truth: float) -> bool:
    """Whether their mean is the truth, within four standard errors."""
    return bool(abs(values.mean() - truth) < 4 * values.std() / math.sqrt(len(values)))


@pytest.mark.parametrize("counts", [(10,) * 5, (2,) * 20, RAGGED])
def test_the_truth_is_recovered_within_the_sampling_error(counts: tuple[int, ...]) -> None:
    """On average over many runs, also where rounds have lost different numbers of blocks."""
    found = estimates(counts)
    assert len(found) == SETS
    assert within_its_error(found[:, 0], ROUNDS_SD**2)
    assert within_its_error(found[:, 2], BLOCKS_SD**2)
    assert not within_its_error(found[:, 0], 1.3 * ROUNDS_SD**2)  # many enough to see so much


def test_one_long_run_has_the_truth() -> None:
    """200 rounds of 50 blocks: within 10% for the rounds, 3% for the blocks (two to four standard errors)."""
    found = components.estimate(drawn(np.random.default_rng(1), (50,) * 200, ROUNDS_SD))
    assert found is not None
    assert found.between_rounds == pytest.approx(ROUNDS_SD**2, rel=0.2)
    assert found.between_blocks == pytest.approx(BLOCKS_SD**2, rel=0.04)
    assert (found.rounds, found.blocks, found.note) == (200, 10_000, "")


def test_an_estimate_below_zero_is_zero_and_said() -> None:
    """Without any noise between rounds, about half of the estimates are below it."""
    found = estimates((10,) * 5, rounds_sd=0.0)
    below = found[:, 0] < 0
    assert 0.4 < below.mean() < 0.7
    assert (found[below, 1] == 0).all()
    assert within_its_error(found[:, 0], 0.0)
    one = Components(0.0, 0.01, -0.001, 5, 50)
    assert one.note == (
        "the variance between rounds was estimated as -0.001, and 0 is used: 5 rounds differ by no more than their"
        " blocks explain"
    )


def test_the_unbalanced_formula_by_hand() -> None:
    """Two rounds of 1, 3 and of 5, 6, 10. MSE = (2 + 14) / 3, MSA = 2 * 3^2 + 3 * 2^2 = 30, n_0 = 5 - 13 / 5 = 2.4."""
    found = components.estimate([[1.0, 3.0], [], [5.0, 6.0, 10.0]])
    assert found is not None
    assert found.between_blocks == pytest.approx(16 / 3)
    assert found.between_rounds == pytest.approx((30 - 16 / 3) / 2.4)
    assert (found.rounds, found.blocks) == (2, 5)
    assert found.of_round(4) == pytest.approx(found.between_rounds + 4 / 3)


@pytest.mark.parametrize("ratios", [[], [[1.0, 2.0]], [[1.0], [2.0], [3.0]], [[1.0, 2.0], []]])
def test_what_cannot_be_set_apart_is_not_estimated(ratios: list[list[float]]) -> None:
    """One round, or no round with two blocks."""
    assert components.estimate(ratios) is None


def test_a_block_that_lacks_a_figure_is_left_out() -> None:
    """Of either cell; a round without any block, too."""
    baseline: list[list[float | None]] = [[100.0, None, 100.0, 0.0], [None, 100.0], [100.0]]
    candidate: list[list[float | None]] = [[200.0, 100.0, 50.0, 100.0], [100.0, None], [100.0, 100.0]]
    assert components.log_ratios(baseline, candidate) == [[math.log(2), -math.log(2)], [0.0]]


def test_merged_blocks_show_how_noise_falls_with_length() -> None:
    """Independent noise falls as 1 / length, noise that lasts does not fall; that is what is predicted from."""
    assert components.merged([[1.0, 3.0, 5.0, 7.0, 9.0], [1.0]], 2) == [[2.0, 6.0], []]
    chance = np.random.default_rng(3)
    alone = drawn(chance, (100,) * 100, ROUNDS_SD)
    lasting = [np.repeat(chance.normal(0, BLOCKS_SD, 25), 4).tolist() for _ in range(100)]
    for ratios, expected in ((alone, 1.0), (lasting, 0.0)):
        short, long = components.estimate(ratios), components.estimate(components.merged(ratios, 4))
        assert short is not None
        assert long is not None
        falls_by = components.exponent(short, long, 4)
        assert falls_by == pytest.approx(expected, abs=0.05)
        predicted = components.with_slices(short, 4, falls_by=falls_by)
        assert predicted.between_blocks == pytest.approx(long.between_blocks)
        assert predicted.between_rounds == short.between_rounds
