"""Intervals: textbook values, and the truth of what they claim, simulated."""

import math

import numpy as np
import pytest
from scipy.special import stdtrit

from bench.analysis.intervals import (
    arithmetic_interval,
    half_width,
    mean_interval,
    t_quantile,
    values_needed,
    welch_interval,
)

COMPARISONS = 10_000

# Student's t, two-sided, as every statistics textbook's table has it.
TABLE = {(2, 0.95): 12.706, (3, 0.95): 4.303, (5, 0.95): 2.776, (10, 0.95): 2.262, (20, 0.95): 2.093, (5, 0.99): 4.604}


@pytest.mark.parametrize(("values", "confidence"), TABLE)
def test_t_values_are_the_tables(values: int, confidence: float) -> None:
    """To three digits, as printed."""
    assert t_quantile(values, confidence) == pytest.approx(TABLE[values, confidence], abs=5e-4)


def test_a_textbook_interval() -> None:
    """Mean 9.261460, standard deviation 0.022789, n = 195: 9.258242 to 9.264679 (NIST e-Handbook 1.3.5.2)."""
    deviations = np.random.default_rng(1).normal(size=195)
    deviations = (deviations - deviations.mean()) / deviations.std(ddof=1)
    logarithms = 9.261460 + 0.022789 * deviations
    low, high = mean_interval([math.exp(value) for value in logarithms]) or (0.0, 0.0)
    assert (math.log(low), math.log(high)) == pytest.approx((9.258242, 9.264679), abs=2e-6)


@pytest.mark.parametrize("rounds", [3, 5, 10])
def test_one_comparison_in_twenty_of_a_service_with_itself_is_called_different(rounds: int) -> None:
    """10,000 simulated A/A comparisons, unadjusted: 5% +- 0.7 points exclude 1, whatever the number of rounds."""
    chance = np.random.default_rng(20_261_120)
    shared, own = chance.normal(0, 0.1, (COMPARISONS, rounds, 1)), chance.normal(0, 0.04, (COMPARISONS, rounds, 2))
    rates = 4000 * np.exp(shared + own)  # what disturbs a round disturbs both; each has noise of its own
    different = 0
    for pair in rates:
        low, high = mean_interval((pair[:, 1] / pair[:, 0]).tolist()) or (0.0, 0.0)
        different += not low <= 1 <= high
    assert different / COMPARISONS == pytest.approx(0.05, abs=0.007)


def test_a_true_difference_is_found_and_not_exaggerated() -> None:
    """The interval covers a true ratio of 1.10 in 95% of 10,000 comparisons of 5 rounds."""
    chance = np.random.default_rng(7)
    ratios = 1.10 * np.exp(chance.normal(0, 0.05, (COMPARISONS, 5)))
    intervals = [mean_interval(row.tolist()) or (0.0, 0.0) for row in ratios]
    covered = sum(low <= 1.10 <= high for low, high in intervals)
    assert covered / COMPARISONS == pytest.approx(0.95, abs=0.007)


def test_steins_interval_has_the_spread_of_the_first_stage() -> None:
    """Mean 3 of all eight; s = 1, t = 4.303 of the first three: 3 +- 4.303 / sqrt(8)."""
    values = [1, 2, 3, 3, 3, 4, 4, 4]
    low, high = arithmetic_interval(values, 0.95, values[:3]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((3 - 4.3027 / 8**0.5, 3 + 4.3027 / 8**0.5), abs=1e-4)
    as_ratios = mean_interval([math.exp(one) for one in values], 0.95, [math.exp(one) for one in values[:3]])
    assert as_ratios == pytest.approx((math.exp(low), math.exp(high)))
    assert arithmetic_interval(values, 0.95, values) == arithmetic_interval(values)


def test_a_first_stage_of_one_value_or_without_spread_shows_nothing_of_its_own() -> None:
    """One value has no interval. Of equal ones the interval is not without width when later values differ."""
    assert arithmetic_interval([1, 2, 3], 0.95, [1]) is None
    low, high = arithmetic_interval([1, 1, 1, 2], 0.95, [1, 1, 1]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((1.25 - 4.3027 * 0.5 / 2, 1.25 + 4.3027 * 0.5 / 2), abs=1e-4)


@pytest.mark.parametrize(("half_width", "needed"), [(5.0, 3), (2.4841, 4), (1.0, 19), (0.43027, 100), (0.4302, 101)])
def test_values_needed_are_steins(half_width: float, needed: int) -> None:
    """s = 1 and t = 4.30265 of three values: the smallest n >= 3 with 4.30265 / sqrt(n) within it."""
    assert values_needed([1, 2, 3], 0.95, half_width) == needed


def test_welchs_interval_has_the_spread_of_first_stages() -> None:
    """With the first stage as all values it is the plain one; later values move its middle, and narrow it."""
    old, new = (1.0, 1.1, 0.9, 1.0, 1.0), (2.0, 2.1, 1.9)
    assert welch_interval(old, new, 0.95, (5, 3)) == welch_interval(old, new)
    low, high = welch_interval(old, new, 0.95, (3, None)) or (0.0, 0.0)
    spreads = [np.std(np.log(values), ddof=1) ** 2 for values in (old[:3], new)]
    errors = spreads[0] / 5, spreads[1] / 3
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 2 + errors[1] ** 2 / 2)
    half = stdtrit(freedom, 0.975) * sum(errors) ** 0.5
    middle = np.log(new).mean() - np.log(old).mean()
    assert (low, high) == pytest.approx((np.exp(middle - half), np.exp(middle + half)))


def test_welchs_textbook_interval() -> None:
    """Student's sleep data (Biometrika 6, 1908), as R's `t.test(extra ~ group)` has it: -3.3654832 to 0.2054832."""
    first = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
    second = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)
    low, high = welch_interval([math.exp(one) for one in second], [math.exp(one) for one in first]) or (0.0, 0.0)
    assert (math.log(low), math.log(high)) == pytest.approx((-3.3654832, 0.2054832), abs=1e-7)


def test_welchs_interval_needs_two_positive_values_on_both_sides() -> None:
    """Values without any spread leave no width."""
    assert welch_interval((1.0,), (1.0, 2.0)) is None
    assert welch_interval((1.0, 2.0), (0.0, 2.0)) is None
    assert welch_interval((2.0, 2.0), (3.0, 3.0)) == pytest.approx((1.5, 1.5))


def test_half_a_width_is_a_share() -> None:
    """Of an interval that is symmetric on logarithms; what says nothing stays short."""
    shown = [half_width(one) for one in ((100 / 1.042, 104.2), (1.0, 1.0), (0.01, 1000.0), None)]
    assert shown == ["\N{PLUS-MINUS SIGN}4.2%", "\N{PLUS-MINUS SIGN}0.0%", "over \N{PLUS-MINUS SIGN}1000%", ""]
