"""A curve through measured throughputs: the average of the curves of one family, weighted by how well each fits. Pure.

X(N) = C g(N / k) / (1 + (N / m)^q). g rises as N and saturates at 1, sharply or slowly (exponent p), by a power of N or
exponentially. m, where there is one, is where too much of N costs throughput. The family holds min(N, k), and comes
near to closed networks (mean value analysis: Reiser and Lavenberg, Journal of the ACM 27, 1980) and to the universal
scalability law (Gunther, "Guerrilla Capacity Planning", 2007).

One best curve would say too much: ten values with a noise of 3% do not tell a sharp bend from a soft one. So each curve
of a grid has the weight (mean squared residual of ln X + NOISE^2)^(-n/2), its likelihood for normal errors of unknown
size. C is each curve's own least squares. All of it is calculated on logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NOISE = 0.01  # no throughput is known better; without it, the one curve next to exact values would have all the weight
STEP = 0.05  # of ln k
EXPONENTS = np.geomspace(0.7, 12, 10)  # of p; at 12 a bend is as good as sharp
COSTS = 16  # how many values m has, beside none; none has half the weight
FALLS = (1.0, 3.0)  # q: as under the universal scalability law, or a collapse
LEAST_WEIGHT = 1e-3  # of a curve relative to the best one; lighter ones are left out
POINTS = 400  # at which the average is known

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A fitted curve at `values` of the axis (ascending, from the first measured one to the last).

    `shares`: its throughput there / its highest. `best_rps`: that highest, in requests/s. `apart`: the root mean square
    of measured throughput / curve - 1.
    """

    values: Floats
    shares: Floats
    best_rps: float
    apart: float

    def reaches(self, share: float) -> float:
        """The smallest value at which the curve has this share of its highest throughput."""
        place = int(np.argmax(self.shares >= share))
        if not place:
            return float(self.values[0])
        ends = slice(place - 1, place + 1)  # the shares rise from the one to the other
        return float(np.exp(np.interp(np.log(share), np.log(self.shares[ends]), np.log(self.values[ends]))))


@dataclass(frozen=True)
class CurveFamily:
    """The curves of a grid: ln k, p, ln m (infinite: none), q, and whether g saturates exponentially."""

    log_k: Floats
    p: Floats
    log_m: Floats
    q: Floats
    exponential: npt.NDArray[np.bool_]

    def take(self, which: npt.NDArray[np.bool_]) -> "CurveFamily":
        """Some of them."""
        return CurveFamily(self.log_k[which], self.p[which], self.log_m[which], self.q[which], self.exponential[which])

    def at(self, log_n: Floats) -> Floats:
        """Ln X / C, a row a curve, a column a value of the axis."""
        k, p, m, q = (column[:, None] for column in (self.log_k, self.p, self.log_m, self.q))
        found = np.empty((len(self.log_k), len(log_n)))
        power, other = ~self.exponential, self.exponential
        found[power] = -np.logaddexp(0, p[power] * (k[power] - log_n)) / p[power]
        # From exp(6) on, 1 - exp(-exp(6)) is 1.
        exponent = np.exp(np.minimum(p[other] * (log_n - k[other]), 6))
        found[other] = np.log(-np.expm1(-exponent)) / p[other]
        return found - np.logaddexp(0, q * (log_n - m))


def fitted(values: Sequence[float], rates: Sequence[float]) -> Fitted:
    """The curve through at least three throughputs (requests/s) at ascending values; all of them are above zero."""
    return _fitted(tuple(values), tuple(rates))


@lru_cache(maxsize=64)  # the same cells are looked at for curves and for pairs
def _fitted(values: tuple[float, ...], rates: tuple[float, ...]) -> Fitted:
    family, log_prior, centred, level = _family(values)
    log_n, log_x = np.log(values), np.log(rates)
    squares = ((log_x - log_x.mean() - centred) ** 2).mean(axis=1)
    log_weights = log_prior - len(values) / 2 * np.log(squares + NOISE**2)
    kept = log_weights >= log_weights.max() + np.log(LEAST_WEIGHT)
    weights = np.exp(log_weights[kept] - log_weights.max())
    weights /= weights.sum()
    dense = np.linspace(log_n[0], log_n[-1], POINTS)
    average = weights @ (family.take(kept).at(dense) + (log_x.mean() - level[kept])[:, None])
    best = average.max()
    away = np.expm1(log_x - np.interp(log_n, dense, average))
    return Fitted(np.exp(dense), np.exp(average - best), float(np.exp(best)), float(np.sqrt((away**2).mean())))


@lru_cache(maxsize=4)
def _family(values: tuple[float, ...]) -> tuple[CurveFamily, Floats, Floats, Floats]:
    """The grid for these values, ln of each prior weight, each curve at the values less its mean, and that mean."""
    log_n = np.log(values)
    low, high = log_n[0], log_n[-1]
    costs = [(np.inf, 1.0, 1.0)]
    costs += [(m, q, 1 / COSTS / len(FALLS)) for q in FALLS for m in np.linspace(low, high + 2, COSTS)]
    log_m, q, prior = np.array(costs).T
    axes = np.arange(low - 1, high + 2.5, STEP), EXPONENTS, np.arange(len(costs)), np.arange(2)
    places = np.meshgrid(*(np.arange(len(one)) for one in axes), indexing="ij")
    bend, sharp, cost, tail = (one.ravel() for one in places)
    family = CurveFamily(axes[0][bend], EXPONENTS[sharp], log_m[cost], q[cost], tail == 1)
    found = family.at(log_n)
    level = found.mean(axis=1)
    return family, np.log(prior[cost]), found - level[:, None], level
