"""Intervals of means over rounds."""

import math
from collections.abc import Sequence
from functools import cache

from scipy.special import stdtrit  # a ufunc; scipy.stats takes far longer to import

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


@cache
def t_quantile(values: int, confidence: float) -> float:
    """Student's t of a two-sided interval of the mean of so many values."""
    return float(stdtrit(values - 1, (1 + confidence) / 2))


def arithmetic_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval of the mean of values; None for fewer than two.

    Source: any textbook, for example NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2.
    """
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = t_quantile(len(values), confidence) * math.sqrt(variance / len(values))
    return mean - half, mean + half


def welch_interval(old: Sequence[float], new: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Welch's t interval of new / old, a ratio of geometric means: computed on logarithms, given back as ratios.

    The two sets of values need neither be as many nor vary as much. None for fewer than two values in either, or when
    one is not positive. Source: Welch, "The generalization of Student's problem when several different population
    variances are involved", Biometrika 34 (1947); NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.3.
    """
    if min(len(old), len(new)) < 2 or min(*old, *new) <= 0:
        return None
    (old_mean, old_error), (new_mean, new_error) = (_of_logarithms(values) for values in (old, new))
    difference, error = new_mean - old_mean, old_error + new_error
    half = 0.0
    if error > 0:
        freedom = error**2 / (old_error**2 / (len(old) - 1) + new_error**2 / (len(new) - 1))
        half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(error)
    return math.exp(difference - half), math.exp(difference + half)


def _of_logarithms(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and the square of its standard error."""
    logarithms = [math.log(value) for value in values]
    mean = math.fsum(logarithms) / len(logarithms)
    return mean, math.fsum((one - mean) ** 2 for one in logarithms) / (len(logarithms) - 1) / len(logarithms)


def half_width(interval: tuple[float, float] | None) -> str:
    """An interval on logarithms as `±4.2%`, of a table; nothing where there is none."""
    if interval is None:
        return ""
    share = (interval[1] / interval[0]) ** 0.5 - 1
    return f"{PLUS_MINUS}{share:.1%}" if share < 10 else f"over {PLUS_MINUS}1000%"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval of positive values' geometric mean: computed on logarithms, given back as values.

    None for fewer than two values, or when one is not positive.
    """
    if len(values) < 2 or min(values) <= 0:
        return None
    interval = arithmetic_interval([math.log(value) for value in values], confidence)
    return interval and (math.exp(interval[0]), math.exp(interval[1]))
