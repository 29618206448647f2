"""Formats measured figures: ratios with their intervals, and whether a target holds."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.analysis.intervals import mean_interval

Say = Callable[[str], None]


@dataclass(frozen=True)
class TargetRange:
    """The range in which a figure should lie."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"target >= {self.low:g}"
        if self.low == -math.inf:
            return f"target < {self.high:g}"
        return f"target {self.low:g} .. {self.high:g}"

    def ruling(self, low: float, high: float) -> str:
        """Whether the target holds for an interval."""
        if self.low <= low and high <= self.high:
            return f"{self}: holds"
        if high < self.low or low > self.high:
            return f"{self}: does not hold"
        return f"{self}: undecided"


def ratio(label: str, ratios: Sequence[float], target: TargetRange | None = None) -> str:
    """A line with the geometric mean over rounds, its 95% interval, and the ruling from that interval."""
    low, high = mean_interval(ratios) or (math.nan, math.nan)
    ruling = f"; {target.ruling(low, high)}" if target else ""
    return f"  {label}: {math.sqrt(low * high):.3f} (95% CI {low:.3f} .. {high:.3f}; {len(ratios)} rounds){ruling}"


def extremes(label: str, values: Sequence[float], unit: str, target: TargetRange | None = None) -> str:
    """A line with the median over rounds and the worst value, which must lie in the target, too.

    The worst value is the one farthest from zero, or the lowest if the target is a lower bound.
    """
    worst = min(values) if target and target.high == math.inf else max(values, key=abs)
    ruling = f"; {target.ruling(worst, worst)}" if target else ""
    return f"  {label}: median {statistics.median(values):,.2f} {unit}, worst {worst:,.2f} {unit}{ruling}"
