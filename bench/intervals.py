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
