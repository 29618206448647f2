"""Where a request's CPU time goes, over all rounds: each layer with its interval, and between two cells. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis import intervals
from bench.analysis.profiling import layers, stacks
from bench.analysis.profiling.layers import OTHER, Layer
from bench.analysis.profiling.rounds import RoundProfile

COLUMNS = (
    "scenario", "service", "layer", "part", "share", "cpu_ms_per_request", "ci_low", "ci_high", "rounds",
)  # fmt: skip
WHOLE = "all"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class LayerTime:
    """The CPU time of a layer, or of a part of it, a request (ms, mean of rounds), with a 95% interval of the mean.

    The layer WHOLE is a whole request. An interval is Student's t; None with one round.
    """

    layer: Layer
    ms: float
    interval: tuple[float, float] | None
    share: float


@dataclass(frozen=True)
class CellProfile:
    """The layers of one cell. `times` are layers in the order of a request, each followed by its parts.

    `rounds` has what each round that counts found, by its number. `cost` is how many times the CPU time of a request
    was taken beside the profiler, with its interval. `problem`: why nothing is known.
    """

    scenario: str
    slug: str
    times: tuple[LayerTime, ...]
    rounds: Mapping[int, RoundProfile]
    cost: float | None
    cost_interval: tuple[float, float] | None
    problem: str = ""

    @property
    def layers(self) -> tuple[LayerTime, ...]:
        """Whole layers, without their parts and without the whole request."""
        return tuple(one for one in self.times if not one.layer.part and one.layer.name != WHOLE)

    @property
    def cpu_ms(self) -> float:
        """Of a whole request (ms), without the profiler."""
        return self.times[0].ms if self.times else 0.0

    @property
    def samples(self) -> int:
        """Taken in user mode, in all rounds."""
        return sum(one.samples for one in self.rounds.values())

    @property
    def lost(self) -> float:
        """The largest share of samples of a round that could not be read."""
        return max((one.lost for one in self.rounds.values()), default=0.0)

    @property
    def stacks_ms(self) -> Mapping[str, float]:
        """The user time of each collapsed stack (ms a request, mean of rounds)."""
        every = stacks.together(one.stacks_ms for one in self.rounds.values())
        return {stack: ms / len(self.rounds) for stack, ms in every.items()}

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the table of layers does not know, by name, most time first."""
        named = [one for one in self.times if one.layer.name == OTHER and one.layer.part]
        return tuple(one.layer.part for one in sorted(named, key=lambda one: -one.ms))


@dataclass(frozen=True)
class LayerDifference:
    """How much more CPU time (ms a request) a layer, or a part of one, takes in one cell than in another.

    The intervals of all layers of two cells hold together with 95%.
    """

    layer: Layer
    ms: float
    interval: tuple[float, float] | None


def of_cell(scenario: str, slug: str, rounds: Mapping[int, RoundProfile]) -> CellProfile | None:
    """Of the rounds that count; None where no profiler was there."""
    if not rounds:
        return None
    known = {number: one for number, one in rounds.items() if not one.problem}
    if not known:
        return CellProfile(scenario, slug, (), {}, None, None, next(iter(rounds.values())).problem)
    every = [_with_wholes(one) for one in known.values()]
    whole_ms = math.fsum(one[Layer(WHOLE)] for one in every) / len(every)
    times = tuple(_time(layer, every, whole_ms) for layer in _ordered(every))
    costs = [one.profiled_cpu_ms / one.cpu_ms for one in known.values() if one.profiled_cpu_ms and one.cpu_ms]
    cost = math.exp(math.fsum(map(math.log, costs)) / len(costs)) if costs else None
    return CellProfile(scenario, slug, times, known, cost, intervals.mean_interval(costs))


def differences(one: CellProfile, other: CellProfile) -> tuple[LayerDifference, ...]:
    """Of each layer and part, one minus the other (ms a request), paired by round; the largest layer first.

    The first is the difference of whole requests. Each layer is followed by its parts. The intervals of n layers are
    Bonferroni's: each alone has 1 - 0.05 / n. A part has the interval that a layer has.
    """
    both = sorted(one.rounds.keys() & other.rounds.keys())
    mine, theirs = ([_with_wholes(each.rounds[number]) for number in both] for each in (one, other))
    every = dict.fromkeys((*_ordered(mine), *_ordered(theirs)))
    confidence = 1 - (1 - CONFIDENCE) / max(1, sum(not layer.part for layer in every))
    found = {
        layer: _difference(
            layer, confidence, [a.get(layer, 0.0) - b.get(layer, 0.0) for a, b in zip(mine, theirs, strict=True)]
        )
        for layer in every
        if both
    }
    wholes = sorted((each for layer, each in found.items() if not layer.part), key=_size)
    ordered = []
    for whole in wholes:
        parts = [each for layer, each in found.items() if layer.part and layer.name == whole.layer.name]
        ordered += [whole, *(sorted(parts, key=_size) if len(parts) > 1 else ())]
    return tuple(ordered)


def _size(one: LayerDifference) -> tuple[bool, float]:
    return one.layer.name != WHOLE, -abs(one.ms)


def _difference(layer: Layer, confidence: float, values: Sequence[float]) -> LayerDifference:
    return LayerDifference(layer, math.fsum(values) / len(values), intervals.arithmetic_interval(values, confidence))


def _with_wholes(one: RoundProfile) -> dict[Layer, float]:
    """With the whole request, and with each layer as the sum of its parts."""
    found = {Layer(WHOLE): math.fsum(one.layers_ms.values())}
    for layer, ms in one.layers_ms.items():
        found[layer] = found.get(layer, 0.0) + ms
        if layer.part:
            found[Layer(layer.name)] = found.get(Layer(layer.name), 0.0) + ms
    return found


def _ordered(every: Sequence[Mapping[Layer, float]]) -> list[Layer]:
    """All layers in the order of a request, each followed by its parts, those with most time first."""
    sums: dict[Layer, float] = {}
    for one in every:
        for layer, ms in one.items():
            sums[layer] = sums.get(layer, 0.0) + ms
    order = (WHOLE, *layers.table().order)
    places = {name: number for number, name in enumerate(order)}
    return sorted(sums, key=lambda layer: (places.get(layer.name, len(order)), bool(layer.part), -sums[layer]))


def _time(layer: Layer, every: Sequence[Mapping[Layer, float]], whole_ms: float) -> LayerTime:
    values = [one.get(layer, 0.0) for one in every]
    ms = math.fsum(values) / len(values)
    return LayerTime(layer, ms, intervals.arithmetic_interval(values), ms / whole_ms if whole_ms else 0.0)


def rows(profiles: Sequence[CellProfile]) -> Iterator[dict[str, Any]]:
    """The rows of profile.csv. Layers without a part add up to the row `all`, and parts to their layer."""
    for cell in profiles:
        for one in cell.times:
            low, high = one.interval or (None, None)
            values = (
                cell.scenario, cell.slug, *one.layer, one.share, one.ms, low, high, len(cell.rounds),
            )  # fmt: skip
            yield dict(zip(COLUMNS, values, strict=True))
