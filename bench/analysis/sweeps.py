"""Curves in a run: cells that differ in one number only, and the knee of each curve. Pure.

Definitions and their sources are in docs/methodology.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.analysis.curves.fit import Fitted, fitted
from bench.analysis.outcome import CellResult
from bench.plan import metrics
from bench.plan.matrix import Cell
from bench.plan.metrics import Place
from suite.arrival import Arrival

LEAST_VALUES = 3  # fewer are a comparison, not a curve
LEAST_FOR_KNEE = 4
NEAR_BEST = 0.95
MOST_APART = 0.15  # beyond that, the measured throughputs are no such curve
METRICS = metrics.in_(Place.SWEEPS)
COLUMNS = (
    "scenario", "curve", "axis", "value", *metrics.columns(Place.SWEEPS), "bound_by", "verdict", "knee_at", "is_knee",
    "why",
)  # fmt: skip


@dataclass(frozen=True)
class Knee:
    """Beyond which value more buys hardly any throughput: `at`, and the measured `value` nearest to it, by ratio.

    Both are None where the curve has no knee; `why` says in words what it shows.
    """

    at: float | None
    value: float | None
    why: str


@dataclass(frozen=True)
class Curve:
    """Cells of one scenario that differ in `axis` only, in ascending order. `name` tells the curves of a run apart."""

    scenario: str
    name: str
    axis: str
    points: tuple[CellResult, ...]
    knee: Knee = Knee(None, None, "")

    @property
    def values(self) -> tuple[float, ...]:
        """Of the axis."""
        return tuple(settings(one.cell)[self.axis] for one in self.points)


def settings(cell: Cell) -> dict[str, Any]:
    """The value of every axis that the cell has, the scenario's own parameters included."""
    return dict(cell.setup.axes) | dict(cell.parameters) | {"users": cell.users}


def curves(results: Sequence[CellResult]) -> tuple[Curve, ...]:
    """Every curve of at least LEAST_VALUES values, in the order of the results. Landmarks and the A/A arm are in none.

    With two such axes, a cell is on two curves.
    """
    by_cell = {one.cell: one for one in results}
    found = []
    for axis, name, cells in series(list(by_cell)):
        curve = Curve(cells[0].scenario, name, axis, tuple(by_cell[one] for one in cells))
        found.append(replace(curve, knee=knee(curve)))
    return tuple(found)


def series(every: Sequence[Cell]) -> Iterator[tuple[str, str, tuple[Cell, ...]]]:
    """The cells of each curve in ascending order, with its axis and its name."""
    cells = [one for one in every if not one.once and not one.arm]
    each = [settings(one) | {"scenario": one.scenario} for one in cells]
    varying = [axis for axis in dict.fromkeys(key for one in each for key in one) if _values(each, axis) > 1]
    for axis in varying:
        groups: dict[tuple[tuple[str, Any], ...], list[Cell]] = {}
        for one, mine in zip(cells, each, strict=True):
            if isinstance(mine.get(axis), int | float):
                rest = tuple((name, value) for name, value in mine.items() if name != axis)
                groups.setdefault(rest, []).append(one)
        for rest, members in groups.items():
            if len(members) >= LEAST_VALUES:
                yield axis, _name(dict(rest), varying), tuple(sorted(members, key=lambda one: settings(one)[axis]))


def _values(each: Sequence[dict[str, Any]], axis: str) -> int:
    return len({one[axis] for one in each if axis in one})


def _name(rest: dict[str, Any], varying: Sequence[str]) -> str:
    others = [name for name in varying if name in rest and name not in {"scenario", "service"}]
    plain = {"profile", "server"}  # whose values say what they are
    return ", ".join([rest["service"], *(rest[name] if name in plain else f"{name} {rest[name]}" for name in others)])


def knee(curve: Curve) -> Knee:
    """The knee of a curve of at least LEAST_FOR_KNEE values: where the fitted curve reaches NEAR_BEST of its highest.

    INVALID cells do not count. There is none where the first value has that much already, while the last one adds more,
    under an open load, and where no curve fits.
    """
    if len(curve.points) < LEAST_FOR_KNEE:
        return Knee(None, None, "")
    if curve.points[0].arrival == Arrival.OPEN:
        return _none("the throughput of an open load is its rate")
    rates = {
        value: one.total.throughput_rps
        for value, one in zip(curve.values, curve.points, strict=True)
        if one.verdict.ranks and one.total.throughput_rps
    }
    if len(rates) < LEAST_FOR_KNEE:
        return _none(f"{len(rates)} of {len(curve.points)} values count, and it takes {LEAST_FOR_KNEE}")
    first, best = min(rates), max(rates.values())
    if rates[first] >= NEAR_BEST * best:
        return _none(f"{_words(first, curve.axis)} gives {rates[first] / best:.0%} of the highest throughput")
    if first <= 0:  # which has no logarithm
        return _none(f"a curve is fitted to values above 0, and there is {_words(first, curve.axis)}")
    found = fitted(tuple(rates), tuple(rates.values()))
    floors = any(one.verdict.is_bound and one.rps >= NEAR_BEST * found.best_rps for one in curve.points)
    return _knee(found, rates, curve.axis, floors=floors)


def _knee(found: Fitted, rates: Mapping[float, float], axis: str, *, floors: bool) -> Knee:
    """Of a fitted curve; `floors`: the load was full where throughput was highest."""
    *_, before, last = rates
    at, best = found.reaches(NEAR_BEST), found.best_rps
    if found.apart > MOST_APART:
        return _none(f"the measured throughputs are {found.apart:.0%} away from the curve that fits best")
    if at > before:
        if rates[last] < rates[before]:
            return _none(f"it lies between the last two values, {_words(before, axis)} and {_words(last, axis)}")
        return _none(f"throughput still rises at {_words(last, axis)}")
    if at <= min(rates):
        return _none(f"{_words(at, axis)} gives {found.shares[0]:.0%} of the highest throughput of the fitted curve")
    value = min(rates, key=lambda one: max(one / at, at / one))
    bound = "; a lower bound: the load was full where throughput was highest" if floors else ""
    return Knee(
        at,
        value,
        f"knee at {_words(at, axis)}, where the fitted curve has {NEAR_BEST:.0%} of its highest throughput; nearest is "
        f"{_words(value, axis)}, measured at {rates[value] / best:.0%}{bound}",
    )


def _none(why: str) -> Knee:
    return Knee(None, None, f"no knee: {why}")


def _words(value: float, axis: str) -> str:
    return f"{axis}={value:.3g}" if value < 1000 else f"{axis}={value:.0f}"


def rows(found: Sequence[Curve]) -> Iterator[dict[str, Any]]:
    """Rows of sweeps.csv: one a point of each curve."""
    for curve in found:
        for value, one in zip(curve.values, curve.points, strict=True):
            yield {
                "scenario": curve.scenario,
                "curve": curve.name,
                "axis": curve.axis,
                "value": value,
                **one.total.columns(METRICS),
                "bound_by": one.bound.by or None,
                "verdict": one.verdict.name,
                "knee_at": curve.knee.at,
                "is_knee": "yes" if value == curve.knee.value else None,
                "why": curve.knee.why,
            }
