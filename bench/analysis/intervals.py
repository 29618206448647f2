"""Intervals of means over rounds."""

import math
from collections.abc import Sequence
from functools import cache

from scipy.special import stdtrit  # a ufunc; scipy.stats takes far longer to import

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
MOST_VALUES = 10_000  # a number in a message beyond this says no more


@cache
def t_quantile(values: int, confidence: float) -> float:
    """Student's t of a two-sided interval of the mean of so many values."""
    return float(stdtrit(values - 1, (1 + confidence) / 2))


def arithmetic_interval(
    values: Sequence[float], confidence: float = 0.95, first: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """Student's t interval of the mean of values; None for fewer than two.

    `first`: the values from whose spread it was decided how many there are. The interval then is Stein's: the spread
    and the degrees of freedom are those of `first` alone. Where all of `first` are equal, the spread is of all values.
    Sources: any textbook, for example NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2; Stein, "A two-sample
    test for a linear hypothesis whose power is independent of the variance", Annals of Mathematical Statistics 16
    (1945), 243-258.
    """
    known = values if first is None else first
    if len(known) < 2:
        return None
    spread = deviation(known) or deviation(values)
    half = t_quantile(len(known), confidence) * spread / math.sqrt(len(values))
    mean = math.fsum(values) / len(values)
    return mean - half, mean + half


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample of at least two values."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def values_needed(first: Sequence[float], confidence: float, half_width: float) -> int:
    """How many values it takes until Stein's interval is +- `half_width`, decided from the spread of the first ones.

    The smallest n >= n0 with t(n0 - 1) * s0 / sqrt(n) <= half_width. `first` are the n0 values, at least two.
    Source: Stein 1945, as above.
    """
    needed = (t_quantile(len(first), confidence) * deviation(first) / half_width) ** 2
    return max(len(first), math.ceil(min(needed, MOST_VALUES)))


def welch_interval(
    old: Sequence[float],
    new: Sequence[float],
    confidence: float = 0.95,
    first: tuple[int | None, int | None] = (None, None),
) -> tuple[float, float] | None:
    """Welch's t interval of new / old, a ratio of geometric means: computed on logarithms, given back as ratios.

    The two sets of values need neither be as many nor vary as much. `first`: how many of the old and of the new values
    decided how many there are; the spread is that of these. None for fewer than two values in either, or when one is
    not positive. Source: Welch, "The generalization of Student's problem when several different population
    variances are involved", Biometrika 34 (1947); NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.3.
    """
    if min(len(old), len(new)) < 2 or min(*old, *new) <= 0:
        return None
    (old_mean, old_error), (new_mean, new_error) = (
        _of_logarithms(values, count) for values, count in zip((old, new), first, strict=True)
    )
    difference, error = new_mean - old_mean, old_error + new_error
    half = 0.0
    if error > 0:
        counts = [len(values[:count]) for values, count in zip((old, new), first, strict=True)]
        freedom = error**2 / (old_error**2 / (counts[0] - 1) + new_error**2 / (counts[1] - 1))
        half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(error)
    return math.exp(difference - half), math.exp(difference + half)


def _of_logarithms(values: Sequence[float], first: int | None) -> tuple[float, float]:
    """Mean, and the square of its standard error."""
    logarithms = [math.log(value) for value in values]
    spread = deviation(logarithms[:first]) or deviation(logarithms)
    return math.fsum(logarithms) / len(logarithms), spread**2 / len(logarithms)


def half_width_of(interval: tuple[float, float]) -> float:
    """Half the width of an interval on logarithms, as a share: 0.042 of +-4.2%."""
    return math.sqrt(interval[1] / interval[0]) - 1


def half_width(interval: tuple[float, float] | None) -> str:
    """An interval on logarithms as `±4.2%`, of a table; nothing where there is none."""
    if interval is None:
        return ""
    share = half_width_of(interval)
    return f"{PLUS_MINUS}{share:.1%}" if share < 10 else f"over {PLUS_MINUS}1000%"


def mean_interval(
    values: Sequence[float], confidence: float = 0.95, first: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """Student's t interval of positive values' geometric mean: computed on logarithms, given back as values.

    `first` as above. None for fewer than two values, or when one is not positive.
    """
    if len(values) < 2 or min(values) <= 0:
        return None
    logarithms = [math.log(value) for value in values]
    interval = arithmetic_interval(logarithms, confidence, None if first is None else [math.log(one) for one in first])
    return interval and (math.exp(interval[0]), math.exp(interval[1]))
